"""Chance from one seed: an independent stream for each who needs one, the same in every run.

A stream is named, so that one more user of chance leaves all others' draws as they were.
"""

from __future__ import annotations

from random import Random


def stream(seed: int, *name: str | int) -> Random:
    """The generator of that name; text is hashed in a way that PYTHONHASHSEED has no say in."""
    return Random("/".join(map(str, (seed, *name))))  # noqa: S311  # repeatable is what it has to be
