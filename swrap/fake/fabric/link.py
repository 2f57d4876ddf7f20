"""One interface as packets meet it: carrier, delay, rate.

Owns when the wire is free again, in either direction. Made by the fabric, one an interface.
"""

from __future__ import annotations

from swrap.topology import Interface

SEGMENT = 16_384
"""Bytes that go on a wire with a rate in one piece."""


class Link:
    """``rate`` in bits per second, None for no limit; ``delay`` in seconds, each way."""

    __slots__ = ("_free", "described", "name", "rate", "up")

    def __init__(self, name: str, described: Interface) -> None:
        self.name = name
        self.described = described
        self.up = True
        self.rate = described.rate
        self._free = [0.0, 0.0]

    def pass_at(self, at: float, size: int, way: int) -> float:
        """When ``size`` bytes that come at ``at`` are through; ``way`` is 0 for out, 1 for in."""
        if self.rate is None:
            return at
        start = max(at, self._free[way])
        self._free[way] = start + 8 * size / self.rate
        return self._free[way]

    def cut(self) -> None:
        """What waited for the wire is lost."""
        self._free = [0.0, 0.0]
