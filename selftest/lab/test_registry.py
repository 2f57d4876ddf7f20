"""Labs have directories of their own; what a dead one left is cleared away, what lives is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swrap.lab import proc, registry, runtime
from swrap.lab.errors import NoLab, Refused
from swrap.lab.record import Process, Record


def write(directory: Path, source: str | None = None) -> None:
    """The record of a lab that this process owns."""
    me = Process.of(os.getpid())
    Record(
        "0123abcd", me, "up", source, False, True, {"a": ["eth0"]}, ready=True, since=directory.name
    ).write(directory)


def test_a_lab_gets_a_directory_that_tells_its_file_and_is_closed_to_others() -> None:
    directory, lock = registry.create("lan to wifi/../x")
    assert directory.parent == runtime.base_path()
    assert directory.name.startswith("lan-to-wifi-..-x-")
    assert directory.stat().st_mode & 0o7777 == 0o700
    os.close(lock)


def test_a_lab_is_found_by_its_file_its_directory_and_among_all(tmp_path: Path) -> None:
    source = tmp_path / "lan.yaml"
    source.touch()
    (tmp_path / "link.yaml").symlink_to(source)
    directory, lock = registry.create("lan")
    write(directory, str(source))
    assert [lab.directory for lab in registry.running()] == [directory]
    assert [lab.directory for lab in registry.of_file(tmp_path / "link.yaml")] == [directory]
    assert registry.at(directory).record.source == str(source)
    os.close(lock)
    assert registry.running() == []
    with pytest.raises(NoLab, match="no lab runs there any more"):
        registry.at(directory)


def test_the_next_lab_clears_away_a_dead_one_and_its_programs() -> None:
    dead, lock = registry.create("dead")
    write(dead)
    left = subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={**os.environ, "SWRAP_LAB": str(dead)})
    alive, other_lock = registry.create("alive")
    assert dead.exists(), "its lock is held"
    os.close(lock)
    third, third_lock = registry.create("third")
    assert not dead.exists()
    assert left.wait() == -9
    left.communicate()
    assert alive.exists()
    assert third.exists()
    os.close(other_lock)
    os.close(third_lock)


def test_a_directory_that_was_chosen_is_found_and_removed_with_its_pointer(tmp_path: Path) -> None:
    chosen = tmp_path / "here"
    directory, lock = registry.create("lan", chosen)
    assert directory == chosen
    assert chosen.stat().st_mode & 0o7777 == 0o700
    write(directory)
    assert [lab.directory for lab in registry.running()] == [chosen]
    registry.remove(directory)
    os.close(lock)
    assert not chosen.exists()
    assert not runtime.base_path().exists(), "the last lab takes the base directory with it"


def test_a_directory_that_a_dead_lab_left_is_used_again(tmp_path: Path) -> None:
    chosen = tmp_path / "here"
    for _ in range(2):
        directory, lock = registry.create("lan", chosen)
        write(directory)
        (directory / "page").touch()
        os.close(lock)
    assert len(list(runtime.base_path().iterdir())) == 1


def test_a_chosen_directory_must_be_empty_and_nobody_elses(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir(mode=0o700)
    (full / "thesis.tex").touch()
    with pytest.raises(Refused, match="not empty"):
        registry.create("lan", full)
    assert (full / "thesis.tex").exists()
    _, lock = registry.create("lan", tmp_path / "busy")
    with pytest.raises(Refused, match="a lab runs there already"):
        registry.create("lan", tmp_path / "busy")
    os.close(lock)
    (tmp_path / "link").symlink_to(full)
    with pytest.raises(Refused, match="symbolic link"):
        registry.create("lan", tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        registry.create("lan", tmp_path / "no" / "parent")


def test_what_is_not_a_labs_directory_is_never_touched() -> None:
    with runtime.base(create=True):
        pass
    stranger = runtime.base_path() / "notes"
    stranger.mkdir(mode=0o700)
    _, lock = registry.create("lan")
    os.close(lock)
    _, lock = registry.create("lan")
    os.close(lock)
    assert stranger.exists()


def test_of_two_who_look_for_a_lab_to_join_the_second_waits_for_the_first() -> None:
    code = "from swrap.lab import registry\nwith registry.joining(): print('mine', flush=True)"
    with registry.joining():
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        # It sleeps in flock(2) when it has got that far; it must not get further.
        while "flock" not in proc.read(other.pid, "wchan").decode() and proc.read(
            other.pid, "syscall"
        ).split()[:1] != [b"73"]:
            assert other.poll() is None, "it did not wait"
    assert other.communicate()[0] == "mine\n"


def test_removing_the_last_lab_leaves_a_starting_one_alone() -> None:
    directory, lock = registry.create("lan")
    with registry.joining():
        registry.remove(directory)
        assert runtime.base_path().exists(), "somebody is starting a lab in it"
    os.close(lock)
    directory, lock = registry.create("lan")
    registry.remove(directory)
    os.close(lock)
    assert not runtime.base_path().exists()
