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


@pytest.mark.parametrize(
    ("protocol", "cipher"),
    [("SMB3_00", "AES-128-CCM"), ("SMB3_02", "AES-128-CCM")]
    + [("SMB3_11", cipher) for cipher in ("AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM")],
)
def test_every_cipher_there_and_back(tmp_path: Path, protocol: str, cipher: str) -> None:
    original = os.urandom(3 << 20)
    (tmp_path / "original").write_bytes(original)
    with Running(tmp_path / "share", "--encryption", "required", "--cipher", cipher) as running:
        said = smbclient(
            running,
            "put original film.bin; get film.bin back; ls",
            f"--option=client max protocol={protocol}",
        )
        assert "film.bin" in said
        assert (tmp_path / "back").read_bytes() == original


def test_a_client_that_insists_is_served_encrypted(running: Running) -> None:
    (running.share / "seen").write_bytes(b"x")
    assert "seen" in smbclient(running, "ls", "--client-protection=encrypt")


@pytest.mark.parametrize(
    ("served", "protection", "protocol"),
    [("off", "encrypt", "SMB3_11"), ("required", "off", "SMB2_10"), ("required", "sign", "SMB2_02")],
)
def test_without_a_way_to_encrypt_nothing_is_served(
    tmp_path: Path, served: str, protection: str, protocol: str
) -> None:
    with Running(tmp_path / "share", "--encryption", served) as running:
        (running.share / "seen").write_bytes(b"x")
        said = smbclient(
            *(running, "ls", f"--client-protection={protection}", f"--option=client max protocol={protocol}")
        )
        assert said.strip(), "it gives a reason"
        assert "seen" not in said


@pytest.mark.parametrize("protection", ["sign", "encrypt"])
def test_the_shares_are_listed(running: Running, protection: str) -> None:
    done = subprocess.run(
        [
            *("smbclient", "-L", "127.0.0.1", "-p", str(running.port), "-U", "alice%secret"),
            *("--grepable", f"--client-protection={protection}"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    shares = [line for line in done.stdout.splitlines() if line.count("|") == 2]
    assert shares == ["Disk|data|", "IPC|IPC$|of this server itself"], done.stdout + done.stderr
