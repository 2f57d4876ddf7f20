"""Streams are found by their own file alone, and their depot by no name at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.ports.files import Make, Volume
from server.posix.files import PosixFiles


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(b"")
    opened = PosixFiles().volume(tmp_path / "root")
    handle, _, made = opened.open(("file:s",), write=True, make=Make.IF_MISSING)
    assert made
    handle.write(memoryview(b"secret"), 0)
    handle.close()
    yield opened
    opened.close()


def streams(volume: Volume, name: str) -> list[str]:
    handle, _, _ = volume.open((name,), write=False, make=Make.NO)
    try:
        return [stream.name for stream in handle.streams()]
    finally:
        handle.close()


@pytest.mark.parametrize("path", [(":streams",), (":Streams", "x"), ("::streams",), ("dir", ":streams", "x")])
def test_no_path_leads_into_the_depot(volume: Volume, tmp_path: Path, path: tuple[str, ...]) -> None:
    (tmp_path / "root" / "dir").mkdir()
    for make in (Make.NO, Make.IF_MISSING):
        if path == (":streams",) and make is Make.IF_MISSING:
            continue  # that is a stream of the root, which may be made
        with pytest.raises(OSError, match="Errno"):
            volume.open(path, write=False, make=make)


def test_it_is_not_listed(volume: Volume) -> None:
    root, _, _ = volume.open((), write=False, make=Make.NO)
    assert [name for name, _ in root.list()] == ["file"]
    root.close()


def test_a_copy_of_the_file_has_none_of_its_streams(volume: Volume, tmp_path: Path) -> None:
    shutil.copy2(tmp_path / "root" / "file", tmp_path / "root" / "copy")
    assert "user.smb.streams" in os.listxattr(tmp_path / "root" / "copy")
    assert streams(volume, "copy") == [""]
    handle, _, _ = volume.open(("copy:s",), write=True, make=Make.IF_MISSING)
    assert handle.stat().size == 0
    handle.close()
    assert streams(volume, "file") == ["", "s"]


def test_a_file_that_goes_behind_our_back_leaves_nothing_that_another_finds(
    volume: Volume, tmp_path: Path
) -> None:
    (tmp_path / "root" / "file").unlink()
    (tmp_path / "root" / "file").write_bytes(b"")
    assert streams(volume, "file") == [""]


def test_a_file_with_another_name_keeps_them(volume: Volume, tmp_path: Path) -> None:
    (tmp_path / "root" / "second").hardlink_to(tmp_path / "root" / "file")
    handle, _, _ = volume.open(("file",), write=False, make=Make.NO)
    volume.remove(handle, ("file",))
    handle.close()
    assert streams(volume, "second") == ["", "s"]


def test_birth_is_not_moved_by_writing(volume: Volume) -> None:
    handle, _, _ = volume.open(("file",), write=True, make=Make.NO)
    before = handle.stat().created
    handle.set_times(created=None, accessed=1, written=1)
    handle.write(memoryview(b"1"), 0)
    assert handle.stat().created == before
    handle.set_times(created=0, accessed=None, written=None, changed=5_000)
    assert (handle.stat().created, handle.stat().changed) == (0, 5_000)
    handle.write(memoryview(b"2"), 0)
    assert handle.stat().changed > 5_000
    handle.close()
