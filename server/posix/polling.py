"""A selector that looks again for a while before it sleeps, when what it waits for has lately come at once.

Of the time that a small answer takes, most is the process's going to sleep and waking up, if the peer asks one thing
after the other. Owns when to look and when to sleep, as the kernel has it for network devices (SO_BUSY_POLL,
socket(7)) and virtual processors (halt_poll_ns). Made by `server.role` for a worker's loop.
"""

from __future__ import annotations

import os
from selectors import EpollSelector, SelectorKey
from time import monotonic

_MOST, _LONG = 4, 2
"""Doubts that it begins with and has at most, and those that a long wait adds; a short one takes one away. With none
left it looks before it sleeps: after one long wait among many it has slept twice when it looks again.
"""


class PollingSelector(EpollSelector):
    """`patience`: seconds that it looks before it sleeps; waits that take no longer are short. 0: it never looks."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self._doubts = _MOST

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        began = monotonic()
        found = [] if self._doubts else self._look(began, timeout)
        if not found:
            found = super().select(timeout)
            short = monotonic() - began < self._patience
            self._doubts = max(self._doubts - 1, 0) if short else min(self._doubts + _LONG, _MOST)
        return found

    def _look(self, began: float, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        end = began + (self._patience if timeout is None else min(self._patience, timeout))
        while monotonic() < end:
            found = super().select(0)
            if found:
                return found
            os.sched_yield()  # others may be in need of the processor, and one of them may be who is waited for
        return []
