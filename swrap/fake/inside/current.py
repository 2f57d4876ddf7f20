"""Which fake process is running now, if any.

Owns that one fact. The scheduler sets it at every turn; what stands in for parts of the standard library inside
fake processes asks it. Other threads of this (real) process are never inside.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swrap.fake.process import Process


class _Current:
    """``thread`` is the one that runs the world."""

    __slots__ = ("process", "thread")

    def __init__(self) -> None:
        self.process: Process | None = None
        self.thread = 0

    def enter(self) -> None:
        """This thread runs the world from now on."""
        self.thread = get_ident()


current = _Current()


def inside() -> Process | None:
    """The fake process that is calling; None where no fake process is."""
    process = current.process
    return process if process is not None and current.thread == get_ident() else None
