"""Debian's smbclient, unmodified, is served: it lists, copies there and back, renames and deletes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.smb_server import Running

pytestmark = pytest.mark.skipif(shutil.which("smbclient") is None, reason="smbclient is not installed")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "share") as server:
        yield server


def smbclient(running: Running, commands: str, *options: str, user: str = "alice%secret") -> str:
    done = subprocess.run(
        [
            *("smbclient", "//127.0.0.1/data", "-p", str(running.port), "-U", user, *options),
            *("--option=client min protocol=SMB2_02", "-c", commands),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=running.share.parent,
    )
    return done.stdout + done.stderr


def test_ten_mebibytes_go_there_and_back_unchanged(running: Running) -> None:
    original = os.urandom(10 << 20)
    here = running.share.parent
    (here / "original").write_bytes(original)
    said = smbclient(running, "put original film.bin; ls; get film.bin back")
    assert "film.bin" in said
    assert str(10 << 20) in said
    assert (running.share / "film.bin").read_bytes() == original
    assert (here / "back").read_bytes() == original


def test_directories_renames_and_deletion(running: Running) -> None:
    (running.share / "old.txt").write_text("text")
    said = smbclient(running, "mkdir sub; rename old.txt sub\\new.txt; ls sub\\*")
    assert "new.txt" in said
    assert (running.share / "sub" / "new.txt").read_text() == "text"
    assert "NT_STATUS_DIRECTORY_NOT_EMPTY" in smbclient(running, "rmdir sub")
    smbclient(running, "del sub\\new.txt; rmdir sub")
    assert list(running.share.iterdir()) == []


def test_a_thousand_names_are_listed(running: Running) -> None:
    for number in range(1000):
        (running.share / f"file-{number:04}-with-a-long-name").write_bytes(b"")
    said = smbclient(running, "ls")
    assert sum(f"file-{number:04}" in said for number in range(1000)) == 1000


@pytest.mark.parametrize("protocol", ["SMB2_02", "SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"])
@pytest.mark.parametrize("signing", ["required", "if_required"])
def test_every_dialect(running: Running, protocol: str, signing: str) -> None:
    (running.share / "seen").write_bytes(b"x")
    said = smbclient(
        running, "ls", f"--option=client max protocol={protocol}", f"--option=client signing={signing}"
    )
    assert "seen" in said


def test_a_client_that_begins_with_smb1(running: Running) -> None:
    (running.share / "seen").write_bytes(b"x")
    assert "seen" in smbclient(running, "ls", "--option=client min protocol=NT1")


def test_a_wrong_password(running: Running) -> None:
    assert "NT_STATUS_LOGON_FAILURE" in smbclient(running, "ls", user="alice%wrong")


def test_nothing_outside_of_the_share_is_reached(running: Running) -> None:
    (running.share.parent / "outside").write_text("private")
    (running.share / "link").symlink_to(running.share.parent / "outside")
    said = smbclient(running, "get link stolen; get ..\\outside stolen; ls")
    assert not (running.share.parent / "stolen").exists()
    assert " link " not in said
