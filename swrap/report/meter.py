"""A speedometer over a counter that only grows.

Owns the smoothing. Called by the model for flows and copies. The caller gives the time: nothing here reads
a clock, so that a recorded run shows the same speeds again.
"""

from __future__ import annotations

import math
from collections import deque

TAU = 0.4
"""s: the time constant of the smoothing; short enough to see a cable come out, long enough to be calm."""

STALE = 0.6
"""s without a sample, after which the speed shown fades: nobody knows any more that it still holds."""

STILL = 0.8
"""s without a byte, after which the speed is 0 and not the long tail of the smoothing."""

_HISTORY = 64


class Meter:
    """Bytes per second of a counter sampled now and then."""

    __slots__ = ("_at", "_moved", "_rate", "history", "total")

    def __init__(self, at: float, total: int = 0) -> None:
        self._at = at
        self._moved = at
        self._rate = 0.0
        self.total = total
        self.history: deque[float] = deque(maxlen=_HISTORY)

    def sample(self, at: float, total: int) -> None:
        """The counter stands at ``total`` at ``at`` (s). Out of order or gone back: a new start."""
        passed = at - self._at
        if total < self.total or passed < 0:
            self._at, self._rate, self.total = at, 0.0, total
            return
        if passed < 1e-3:
            # Two samples of one instant say nothing of a speed; the next one will count these bytes.
            return
        now = (total - self.total) / passed
        self._rate += (1 - math.exp(-passed / TAU)) * (now - self._rate)
        if total > self.total:
            self._moved = at
        elif at - self._moved > STILL:
            self._rate = 0.0
        self._at, self.total = at, total
        self.history.append(self._rate)

    def rate(self, now: float) -> float:
        """Bytes per second at `now` (s), never negative."""
        idle = now - self._at - STALE
        rate = self._rate if idle <= 0 else self._rate * math.exp(-idle / TAU)
        return rate if rate >= 1 else 0.0
