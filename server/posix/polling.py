"""An epoll(7) set that looks again for a while before it sleeps, when what it waits for has lately come at once.

Of the time that a small answer takes, most is the process's going to sleep and waking up, if the peer asks one thing
after the other. Owns when to look and when to sleep, as the kernel has it for network devices (SO_BUSY_POLL,
socket(7)) and virtual processors (halt_poll_ns). Used by `server.posix.loop`.
"""

from __future__ import annotations

import os
import select
from math import inf
from time import monotonic

Found = list[tuple[int, int]]

_MOST, _LONG = 4, 2
"""Doubts that it begins with and has at most, and those that a long wait adds; a short one takes one away. With none
left it looks before it sleeps: after one long wait among many it has slept twice when it looks again.
"""
_EVENTS = 64
"""That are found at a time."""


class Polling:
    """Descriptors that may have something to be read. `patience`: seconds that it looks before it sleeps; waits that
    take no longer are short. 0: it never looks.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._doubts = _MOST
        self._epoll = select.epoll()

    def add(self, fd: int) -> None:
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def close(self) -> None:
        self._epoll.close()

    def look(self) -> Found:
        """Those that have something now: (descriptor, events) each."""
        return self._epoll.poll(0, _EVENTS)

    def wait(self, end: float) -> Found:
        """As soon as one has. None at `end` of the monotonic clock, in seconds, or when that has been."""
        began = monotonic()
        if began >= end:
            return []
        found = [] if self._doubts else self._look(min(began + self._patience, end))
        if not found:
            found = self._epoll.poll(None if end == inf else max(end - monotonic(), 0), _EVENTS)
            short = monotonic() - began < self._patience
            self._doubts = max(self._doubts - 1, 0) if short else min(self._doubts + _LONG, _MOST)
        return found

    def _look(self, end: float) -> Found:
        poll = self._epoll.poll
        while not (found := poll(0, _EVENTS)) and monotonic() < end:
            os.sched_yield()  # others may be in need of the processor, and one of them may be who is waited for
        return found
