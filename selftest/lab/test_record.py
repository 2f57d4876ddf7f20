"""The record tells what runs; the lock alone tells whether it does."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swrap.lab.errors import NoLab
from swrap.lab.record import FILE, Process, Record, lives, take_lock


def record() -> Record:
    """A record of this process."""
    me = Process.of(os.getpid())
    return Record(
        "0123abcd", me, "up", "/x/lan.yaml", False, True, {"a": ["eth0"]}, True, True, me, None, "2026"
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    record().write(tmp_path)
    assert Record.read(tmp_path) == record()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"version": 1}', '{"version": 1, "owner": 3}', "\0"]
)
def test_what_is_no_record_is_no_lab(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(NoLab, match="not the record of a lab"):
        Record.read(tmp_path)


def test_a_record_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version": 2}')
    with pytest.raises(NoLab, match="another version"):
        Record.read(tmp_path)


def test_where_there_is_nothing_there_is_no_lab(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoLab, match="no lab runs there"):
            Record.read(path)
        assert not lives(path / "deeper")


def test_a_lab_lives_while_anybody_who_inherited_the_lock_does(tmp_path: Path) -> None:
    lock = take_lock(tmp_path)
    assert lives(tmp_path)
    with pytest.raises(BlockingIOError):
        take_lock(tmp_path)
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    os.close(lock)
    assert lives(tmp_path), "the child holds the same open file description"
    holder.communicate(b"\n")
    assert not lives(tmp_path)


def test_two_who_look_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    assert not lives(tmp_path)
    os.close(fd)


def test_a_process_is_its_pid_and_its_start() -> None:
    me = Process.of(os.getpid())
    assert me.alive
    assert not Process(me.pid, me.started + 1).alive
    with pytest.raises(ProcessLookupError):
        Process.of(2**22 + 1)
