"""Virtual time: a heap of what is to be done when.

Owns the order: earlier first, and of the same instant what was asked for first. Must not know what is done. One
is made a world; the scheduler lets it jump when all are idle.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

_REBUILD = 1024
"""Cancelled entries that are worth a sweep, once they are more than half of all."""


class Clock:
    """``now``: seconds since the beginning of the world."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._number = 0
        self._cancelled = 0

    def at(self, when: float, call: Callable[[Any], None], arg: Any) -> None:
        """Have ``call(arg)`` done at that time; what lies in the past is done next."""
        self._number += 1
        heappush(self._heap, (when, self._number, call, arg))

    def next(self) -> float | None:
        """When the next thing is to be done; None where there is nothing."""
        return self._heap[0][0] if self._heap else None

    def due(self) -> bool:
        """Do all that is due by ``now``. Was there anything?"""
        heap, now = self._heap, self.now
        if not heap or heap[0][0] > now:
            return False
        while heap and heap[0][0] <= now:
            _, _, call, arg = heappop(heap)
            call(arg)
        return True

    def jump(self) -> bool:
        """On to the next instant at which something is to be done, and do it; False where there is none."""
        heap = self._heap
        if not heap:
            return False
        when, _, call, arg = heappop(heap)
        if when > self.now:
            self.now = when
        call(arg)
        while heap and heap[0][0] <= when:
            _, _, call, arg = heappop(heap)
            call(arg)
        return True

    def cancelled(self) -> None:
        """An entry will do nothing any more; when they are many, they are swept out."""
        self._cancelled += 1
        if self._cancelled > _REBUILD and 2 * self._cancelled > len(self._heap):
            kept = [entry for entry in self._heap if not getattr(entry[3], "_cancelled", False)]
            self._heap[:] = kept
            heapify(self._heap)
            self._cancelled = 0
