"""On a real terminal (a pty): the view comes up, follows a resize, and Ctrl-C leaves all as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swrap.events import Event, encode

ENTER, LEAVE, SHOW_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
PATIENCE = 30.0


@pytest.fixture
def record(story: list[Event], tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(encode(event) + "\n" for event in story))
    return path


class Screen:
    """The master side of a pty with a program on it."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.master, self.process = master, process
        self.seen = b""

    def until(self, wanted: bytes, after: int = 0) -> None:
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.seen[after:]:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if not self.read(deadline - time.monotonic()):
                break
        assert wanted in self.seen[after:], self.seen[-2000:]

    def read(self, patience: float) -> bool:
        """More output; False at its end (EIO: nobody holds the other side any more)."""
        ready, _, _ = select.select([self.master], [], [], max(patience, 0))
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:
            data = b""
        self.seen += data
        return bool(data)

    def rest(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while self.read(deadline - time.monotonic()):
            pass
        return self.process.wait(PATIENCE)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


@contextmanager
def on_a_terminal(record: Path, *options: str, width: int = 80, height: int = 24) -> Iterator[Screen]:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "TTY_COMPATIBLE"):
        environment.pop(name, None)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "swrap.report", str(record), *options],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Screen(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_run_is_seen_to_its_end(record: Path) -> None:
    with on_a_terminal(record, "--live", "--speed", "20") as screen:
        assert screen.rest() == 0
    assert screen.seen.count(ENTER) == screen.seen.count(LEAVE) == 1
    assert b"unplugged" in screen.seen
    assert "✔ pass".encode() in screen.seen.rpartition(LEAVE)[2]


def test_ctrl_c_leaves_a_sane_terminal(record: Path) -> None:
    with on_a_terminal(record, "--live", "--speed", "0.05") as screen:
        screen.until(b"server.eth0")
        os.kill(screen.process.pid, signal.SIGINT)
        assert screen.rest() == 130
    assert screen.seen.rindex(LEAVE) > screen.seen.rindex(ENTER)
    assert screen.seen.rindex(SHOW_CURSOR) > screen.seen.rindex(ENTER)
    assert b"Traceback" not in screen.seen


def test_a_smaller_window_gets_a_smaller_picture(record: Path) -> None:
    with on_a_terminal(record, "--live", "--speed", "0.05", width=120, height=30) as screen:
        screen.until(("─" * 118).encode())
        screen.resize(60, 20)
        so_far = len(screen.seen)
        screen.until(("m" + "─" * 58 + "\x1b").encode(), so_far)


def test_what_is_no_terminal_gets_plain_lines(record: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swrap.report", str(record)], capture_output=True, timeout=PATIENCE, check=True
    )
    assert b"\x1b" not in done.stdout
    assert b"server.eth0 is pulled" in done.stdout


def test_live_without_a_terminal_is_refused(record: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swrap.report", str(record), "--live"],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert b"needs a terminal" in done.stderr
