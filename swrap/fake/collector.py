"""Python's cyclic garbage collector while a world runs.

Owns when it works: after so many turns, which are the same in every run. By itself it goes by how many objects there
are, in all of the real process; what finalizers do would then happen at another moment each time. What was there
before the world is not looked at. Used by ``world`` and ``scheduler``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

TURNS = 1024
"""Between two looks at what is young."""
LOOKS = 32
"""Of which one is at everything."""


class Collector:
    """One is made a world."""

    def __init__(self) -> None:
        self._left = TURNS
        self._looks = 0

    def turn(self) -> None:
        """A turn is over."""
        self._left -= 1
        if not self._left:
            self._left = TURNS
            self._looks += 1
            gc.collect(1 if self._looks % LOOKS else 2)


@contextmanager
def by_turns() -> Iterator[None]:
    """For as long as it is open, nobody collects but a ``Collector``, and who asks for it."""
    enabled, freezes = gc.isenabled(), not gc.get_freeze_count()
    gc.disable()
    if freezes:
        gc.freeze()
    try:
        yield
    finally:
        if freezes:
            gc.unfreeze()
        if enabled:
            gc.enable()
