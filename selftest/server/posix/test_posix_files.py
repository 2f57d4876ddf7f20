"""A share is its directory and nothing else, whatever is put into the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.ports.files import Make, Volume
from server.posix import files
from server.posix.files import PosixFiles
from server.posix.handle import PosixHandle


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    (tmp_path / "root" / "dir").mkdir(parents=True)
    (tmp_path / "root" / "dir" / "file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (tmp_path / "root" / "up").symlink_to("..")
    (tmp_path / "root" / "absolute").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "within").symlink_to("dir")
    opened = PosixFiles().volume(tmp_path / "root")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "path",
    [("..", "secret"), ("up", "secret"), ("absolute",), ("within", "file"), ("dir", "..", "..", "secret"),
     ("dir/../../secret",), ("",), (".",), ("a\0b",)],
)  # fmt: skip
@pytest.mark.parametrize("make", [Make.NO, Make.IF_MISSING])
def test_no_path_leads_out(volume: Volume, path: tuple[str, ...], make: Make) -> None:
    refused = (errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.EEXIST)
    with pytest.raises(OSError, match="|".join(f"Errno {number}" for number in refused)):
        volume.open(path, write=True, make=make)


def test_a_directory_that_becomes_a_link_leads_nowhere(volume: Volume, tmp_path: Path) -> None:
    (tmp_path / "root" / "dir").rename(tmp_path / "root" / "moved")
    (tmp_path / "root" / "dir").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        volume.open(("dir", "secret"), write=False, make=Make.NO)


def test_the_root_may_be_moved(volume: Volume, tmp_path: Path) -> None:
    (tmp_path / "root").rename(tmp_path / "elsewhere")
    handle, _, _ = volume.open(("dir", "file"), write=False, make=Make.NO)
    buffer = bytearray(6)
    assert handle.read_into(memoryview(buffer), 0) == 6
    assert buffer == b"inside"
    handle.close()


def test_however_a_file_is_looked_at_it_was_born_when_it_was_made(volume: Volume) -> None:
    made, path, _ = volume.open(("new",), write=True, make=Make.MUST)
    born = made.stat().created
    made.set_times(created=None, accessed=1, written=1)
    opened, _, _ = volume.open(path, write=False, make=Make.NO)
    root, _, _ = volume.open((), write=False, make=Make.NO)
    assert opened.stat().created == dict(root.list())["new"].created == born > 1
    for handle in (made, opened, root):
        handle.close()


def test_a_fifo_holds_nobody_up(volume: Volume, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "root" / "fifo")
    for write in (False, True):
        with pytest.raises(FileNotFoundError):
            volume.open(("fifo",), write=write, make=Make.NO)


def test_what_somebody_else_makes_meanwhile_is_opened(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else(directory: int, name: str) -> None:
        (tmp_path / "root" / name).write_bytes(b"theirs")

    monkeypatch.setattr(files, "spelling", somebody_else)
    handle, path, made = volume.open(("new",), write=True, make=Make.IF_MISSING)
    assert (path, made, handle.stat().size) == (("new",), False, 6)
    handle.close()


def test_a_handle_knows_how_many_names_its_file_still_has(volume: Volume, tmp_path: Path) -> None:
    handle, _, _ = volume.open(("dir", "file"), write=False, make=Make.NO)
    assert handle.links() == handle.stat().links == 1
    (tmp_path / "root" / "dir" / "file").unlink()
    assert handle.links() == handle.stat().links == 0
    handle.close()


def test_a_file_that_may_have_a_descriptor_is_said_to(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, _, _ = volume.open(("dir", "file"), write=True, make=Make.NO)
    assert not handle.stat().described

    def refuse(_: int) -> list[str]:
        raise PermissionError(errno.EACCES, "not to be listed")

    with monkeypatch.context() as patched:
        patched.setattr(os, "listxattr", refuse)
        assert handle.stat().described
    handle.set_descriptor(b"somebody's")
    assert handle.stat().described
    handle.close()


def test_a_file_is_removed_only_while_it_is_the_same(volume: Volume, tmp_path: Path) -> None:
    handle, path, _ = volume.open(("dir", "file"), write=False, make=Make.NO)
    (tmp_path / "root" / "dir" / "file").rename(tmp_path / "root" / "dir" / "kept")
    (tmp_path / "root" / "dir" / "file").write_bytes(b"another")
    with pytest.raises(FileNotFoundError):
        volume.remove(handle, path)
    with pytest.raises(FileNotFoundError):
        volume.rename(handle, path, ("new",), replace=False)
    assert (tmp_path / "root" / "dir" / "file").read_bytes() == b"another"
    handle.close()


def test_cached_reads_know_the_end_of_the_file(volume: Volume) -> None:
    handle, _, _ = volume.open(("dir", "file"), write=False, make=Make.NO)
    buffer = bytearray(100)
    assert handle.read_cached(memoryview(buffer), 2) in (4, None)
    assert handle.read_into(memoryview(buffer), 2) == 4
    assert bytes(buffer[:4]) == b"side"
    handle.close()


def test_attributes_and_creation_time_last(volume: Volume) -> None:
    handle, path, _ = volume.open(("dir", "file"), write=True, make=Make.NO)
    handle.set_times(created=1_000_000_000, accessed=None, written=2_000_000_000)
    handle.set_attributes(0x23)
    handle.close()
    stat, _ = volume.stat(path)
    assert stat.written == 2_000_000_000
    if stat.attributes != 0x20:  # a file system without user attributes keeps the defaults
        assert (stat.attributes, stat.created) == (0x23, 1_000_000_000)


def test_a_name_that_is_no_utf8_can_be_opened(volume: Volume, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path / "root") + b"/caf\xe9"
    Path(os.fsdecode(raw)).write_bytes(b"latin")
    listed, _, _ = volume.open((), write=False, make=Make.NO)
    name = next(name for name, _ in listed.list() if name.startswith("caf"))
    listed.close()
    handle, _, _ = volume.open((name,), write=False, make=Make.NO)
    assert handle.stat().size == 5
    handle.close()


def test_a_file_that_nobody_can_reach_any_more_is_closed(volume: Volume) -> None:
    handle, _, _ = volume.open(("dir", "file"), write=False, make=Make.NO)
    assert isinstance(handle, PosixHandle)
    number = int(handle.fd)
    os.fstat(number)
    del handle
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
