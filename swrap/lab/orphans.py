"""The owner as parent of whatever loses its own: daemons, and the children of a program that was killed.

A process whose parent dies goes to init, unless an ancestor asked for it (PR_SET_CHILD_SUBREAPER, prctl(2)).
Then it can be found below the owner when the lab ends, whatever it did to hide; and it is reaped when it
dies, which a container's init may not do: a zombie answers kill(pid, 0), and programs take it for alive. Only
for a process all of whose children are the lab's.

Owns SIGCHLD of the running loop. Called by lab.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable

from swrap.lab import proc

_PR_SET_CHILD_SUBREAPER = 36


class Adoption:
    """In force until `close`. ``own_children`` tells the pids that somebody else waits for."""

    def __init__(self, own_children: Callable[[], set[int]]) -> None:
        self._own_children = own_children
        self._paused = 0
        self._loop = asyncio.get_running_loop()
        _subreaper(True)
        self._loop.add_signal_handler(signal.SIGCHLD, self.reap)

    def reap(self) -> None:
        """Ask after every dead child that nobody else waits for."""
        if self._paused:
            return  # one of them may be a child that was started and is not known yet
        known = self._own_children()
        for pid in _zombies(os.getpid()):
            if pid not in known:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    def pause(self, by: int) -> None:
        """Leave all children alone while this is more than 0; look again when it is 0."""
        self._paused += by
        if not self._paused:
            self.reap()

    def close(self) -> None:
        """Give orphans back to init, and SIGCHLD to whoever had it."""
        self.reap()
        self._loop.remove_signal_handler(signal.SIGCHLD)
        _subreaper(False)


class Pause:
    """While a child is started: it must not be taken for an orphan before its pid is known."""

    def __init__(self, adoption: Adoption | None) -> None:
        self._adoption = adoption

    def __enter__(self) -> None:
        if self._adoption is not None:
            self._adoption.pause(+1)

    def __exit__(self, *_: object) -> None:
        if self._adoption is not None:
            self._adoption.pause(-1)


def _subreaper(on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def _zombies(parent: int) -> list[int]:
    found = (proc.stat(pid) for pid in proc.pids())
    return [one.pid for one in found if one is not None and one.parent == parent and one.dead]
