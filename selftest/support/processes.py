"""Waiting for processes without sleeping: held by pidfd, so that «gone» means that very process."""

from __future__ import annotations

import ctypes
import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

DEADLINE = 20.0
"""Seconds after which a test has failed: a guard, never the way it passes."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_PIDFD_GETFD = 438


class Watched:
    """Processes that a test expects to end."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._held = {os.pidfd_open(pid): pid for pid in pids}

    def left_after(self, seconds: float = DEADLINE) -> list[int]:
        """Wait until all have ended; those that have not by then."""
        poll = select.poll()
        left = dict(self._held)
        for pidfd in left:
            poll.register(pidfd, select.POLLIN)
        deadline = time.monotonic() + seconds
        while left:
            ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ended:
                break
            for pidfd, _ in ended:
                poll.unregister(pidfd)
                del left[pidfd]
        return sorted(left.values())

    def close(self) -> None:
        """Let go of them."""
        for pidfd in self._held:
            os.close(pidfd)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def gone(pid: int) -> bool:
    """No such process, or only its zombie."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 0)[0])
    finally:
        os.close(pidfd)


def datagram_waits(pid: int, name: str) -> None:
    """Wait until a datagram lies unread in the socket that `pid` has bound to a path with `name` in it."""
    inodes = {
        words[6]
        for words in map(str.split, Path("/proc/net/unix").read_text().splitlines()[1:])
        if len(words) > 7 and name in words[7]
    }
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        kind, _, inode = str(entry.readlink()).partition(":")
        if kind == "socket" and inode.strip("[]") in inodes:
            duplicate = _duplicate(pid, int(entry.name))
            try:
                poll = select.poll()
                poll.register(duplicate, select.POLLIN)
                assert poll.poll(DEADLINE * 1000), "nothing was sent there"
            finally:
                os.close(duplicate)
            return
    raise AssertionError(f"process {pid} has no socket bound to {name}")


def _duplicate(pid: int, descriptor: int) -> int:
    """Another process's descriptor (pidfd_getfd(2))."""
    pidfd = os.pidfd_open(pid)
    try:
        duplicate = int(_LIBC.syscall(_PIDFD_GETFD, pidfd, descriptor, 0))
        if duplicate < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return duplicate
    finally:
        os.close(pidfd)
