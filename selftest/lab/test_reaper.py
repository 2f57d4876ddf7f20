"""Whoever belongs to a lab is found and ended, however it hides or clings; nobody else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from selftest.support.processes import Watched
from swrap.abi.paths import libswrap
from swrap.lab import members, reaper
from swrap.lab.record import Process, Record

STUBBORN = """
import signal
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""
FORKING = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.fork() or signal.pause())
print("ready", flush=True)
while True: signal.pause()
"""
MASKED = """
import ctypes, sys
# As a daemon does that shows its state in ps: over its arguments and on into its environment.
start, end = (int(field) for field in open("/proc/self/stat").read().rpartition(")")[2].split()[47:49])
ctypes.memset(start, 0, end - start)
print("ready", flush=True)
sys.stdin.read()
"""


def member(directory: Path, code: str, **variables: str) -> subprocess.Popen[str]:
    """A program whose environment names the lab, once it has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "SWRAP_LAB": str(directory), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(*processes: subprocess.Popen[str]) -> list[int]:
    """Their exit statuses."""
    for process in processes:
        process.communicate()
    return [process.returncode for process in processes]


def test_a_program_is_asked_first_and_ends_by_itself(tmp_path: Path) -> None:
    polite = member(tmp_path, "import signal; print('ready', flush=True); signal.pause()")
    reaper.end(tmp_path)
    assert finish(polite) == [-15]


def test_one_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    stubborn = member(tmp_path, STUBBORN)
    begun = time.monotonic()
    reaper.end(tmp_path, grace=0.3)
    assert 0.3 <= time.monotonic() - begun < 5
    assert finish(stubborn) == [-9]


def test_one_that_is_stopped_is_woken_to_obey(tmp_path: Path) -> None:
    stopped = member(
        tmp_path, "import os, signal; print('ready', flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    )
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
    reaper.end(tmp_path)
    assert finish(stopped) == [-15]


def test_one_that_forks_when_it_is_asked_to_end_leaves_no_child(tmp_path: Path) -> None:
    forking = member(tmp_path, FORKING)
    reaper.end(tmp_path, grace=0.2)
    assert finish(forking) == [-9]
    assert list(members.programs(tmp_path)) == []


def test_a_daemon_that_wrote_over_its_environment_is_known_by_what_it_has_mapped(
    tmp_path: Path, lab_page: Path
) -> None:
    masked = member(lab_page.parent, MASKED, LD_PRELOAD=str(libswrap()), SWRAP_HOST="server")
    assert b"SWRAP_LAB" not in Path(f"/proc/{masked.pid}/environ").read_bytes()
    assert [one.pid for one in members.programs(lab_page.parent)] == [masked.pid]
    reaper.end(lab_page.parent)
    assert finish(masked) == [-15]


def test_a_process_that_only_looks_at_a_lab_is_none_of_its_programs(lab_page: Path) -> None:
    looking = "import mmap; f = open(%r); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print('ready', flush=True); input()"
    onlooker = member(Path("/another/lab"), looking % str(lab_page))
    reaper.end(lab_page.parent)
    assert onlooker.poll() is None
    finish(onlooker)


def test_programs_of_other_labs_and_of_none_live_on(tmp_path: Path) -> None:
    code = "print('ready', flush=True); input()"
    others = [
        member(tmp_path / "other", code),
        member(Path(f"{tmp_path}-longer"), code),
        member(tmp_path.parent, code),
    ]
    mine = member(tmp_path, code)
    reaper.end(tmp_path)
    assert finish(mine) == [-15]
    assert [other.poll() for other in others] == [None] * 3
    for other in others:
        other.communicate("\n")


def test_the_spared_are_spared(tmp_path: Path) -> None:
    code = "print('ready', flush=True); input()"
    spared, not_spared = member(tmp_path, code), member(tmp_path, code)
    reaper.end(tmp_path, spare=[spared.pid])
    assert finish(not_spared) == [-15]
    assert spared.poll() is None
    spared.communicate("\n")


def test_whoever_holds_one_of_the_labs_names_belongs_to_it(tmp_path: Path) -> None:
    code = "import socket; s = socket.socket(socket.AF_UNIX); s.bind(b'\\0sw/%s/any'); print('ready', flush=True); input()"
    ours, theirs = (member(Path("/nowhere"), code % lab) for lab in ("0123abcd", "0123abce"))
    me = Process.of(os.getpid())
    Record("0123abcd", me, "up", None, False, True).write(tmp_path)
    reaper.end(tmp_path)
    assert finish(ours) == [-9]
    assert theirs.poll() is None
    theirs.communicate("\n")


def test_below_an_owner_that_adopts_everybody_is_found(tmp_path: Path) -> None:
    code = f"""
import os, subprocess
from pathlib import Path
from swrap.lab.record import Process, Record
child = subprocess.Popen(["env", "-i", "sh", "-c", "cat; :"], stdin=subprocess.PIPE)
Record("0123abcd", Process.of(os.getpid()), "up", None, False, True, adopts=True).write(Path({str(tmp_path)!r}))
print(child.pid, flush=True)
child.wait()
"""
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with Watched([int(owner.stdout.readline())]) as hidden:
        reaper.end(tmp_path)
        assert hidden.left_after() == []
    assert finish(owner) == [0], "the owner itself is not ended"


def test_a_process_that_took_over_the_number_is_not_the_one_that_was_meant() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        meant = Process.of(other.pid)
        reaper.end_process(Process(meant.pid, meant.started - 1))
        assert other.poll() is None
        reaper.end_process(meant)
        assert other.wait() == -15


@pytest.fixture
def lab_page(tmp_path: Path, topology: object) -> Path:
    """The page of a lab that is not run by anybody."""
    from contextlib import closing

    from swrap.abi.page import Page

    path = tmp_path / "page"
    with closing(Page.create(path, topology)):  # type: ignore[arg-type]
        return path
