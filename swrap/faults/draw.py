"""Chance that a seed decides: the n-th draw of a kind for a flow is always the same.

Owns the function, which the switch has in C too (draw.c). There is no state to be disturbed: whatever happens
to one flow leaves the draws of all others as they were.
"""

from __future__ import annotations

from enum import IntEnum

_ALL = (1 << 64) - 1


class Kind(IntEnum):
    """What is drawn for."""

    LOSS = 1
    CORRUPT = 2
    DUPLICATE = 3
    REORDER = 4
    JITTER = 5
    BIT = 6
    """Which one is corrupted."""


def draw(seed: int, kind: Kind, key: int, n: int) -> int:
    """The ``n``-th number below 2**32 for what ``key`` names: a flow's direction, or a datagram socket."""
    value = _mix(seed & _ALL)
    for part in (kind, key, n):
        value = _mix(value ^ (part & _ALL))
    return value >> 32


def _mix(value: int) -> int:
    """splitmix64 (Steele, Lea, Flood 2014): every bit of the input changes half of the output's."""
    value = (value + 0x9E3779B97F4A7C15) & _ALL
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _ALL
    return value ^ (value >> 31)
