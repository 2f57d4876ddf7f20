"""The open file description: what file descriptors of any number of processes refer to.

Owns the counting of its holders (descriptors, and messages under way that carry it) and who is told when its
readiness may have changed. Must not know processes, loops or time. Every socket is one.
"""

from __future__ import annotations

import os
import select
from typing import NoReturn, Protocol

READABLE = select.POLLIN | select.POLLERR | select.POLLHUP
WRITABLE = select.POLLOUT | select.POLLERR | select.POLLHUP


class Watcher(Protocol):
    """Somebody who wants to look at ``File.poll`` again after a change."""

    def notify(self) -> None:
        """Something changed. Must not call back into the file."""


def fail(number: int) -> NoReturn:
    """Raise the OSError of an errno, in the words of the system."""
    raise OSError(number, os.strerror(number))


class File:
    """``nonblocking`` is O_NONBLOCK, which all descriptors of one description share (open(2))."""

    __slots__ = ("holders", "nonblocking", "watchers")

    def __init__(self) -> None:
        self.holders = 0
        self.nonblocking = False
        self.watchers: list[Watcher] = []

    def poll(self) -> int:
        """Which of POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP hold now (poll(2))."""
        raise NotImplementedError

    def readable(self) -> bool:
        """Would a read return at once, with bytes, the end or an error?"""
        return bool(self.poll() & READABLE)

    def changed(self) -> None:
        """Have everybody who watches look again."""
        for watcher in self.watchers:
            watcher.notify()

    def hold(self) -> None:
        """One descriptor more, or one message that carries it."""
        self.holders += 1

    def release(self) -> None:
        """One holder less; the last one ends it."""
        self.holders -= 1
        if not self.holders:
            self.last_close()

    def last_close(self) -> None:
        """Nobody can refer to it any more (close(2))."""
