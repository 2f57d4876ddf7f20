"""The standard library while a world runs.

Owns putting all replacements in place and taking them away again. Worlds can be nested; the real things come
back with the end of the last one. Outside fake processes everything stays as it is, even then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from swrap.fake.inside import early
from swrap.fake.inside.facade import Around, Replacement

_depth = 0


@cache
def _replacements() -> list[Replacement]:
    # Imported here: they know processes, which know worlds, which know this.
    from swrap.fake.inside import clocks, entropy, imports, names, output, polling, system

    parts = (clocks, entropy, imports, names, output, polling, system)
    return [one for part in parts for one in part.replacements()]


@contextmanager
def installed() -> Iterator[None]:
    """For as long as it is open."""
    global _depth
    _depth += 1
    try:
        if _depth > 1:
            yield
            return
        before = [(module, name, getattr(module, name)) for module, name, _ in _replacements()]
        stands_for = {
            real: fake
            for (_, _, real), (_, _, fake) in zip(before, _replacements(), strict=True)
            if callable(real) and callable(fake)
        }
        undo = early.replace(stands_for)
        for module, name, fake in _replacements():
            setattr(module, name, fake.make(getattr(module, name)) if isinstance(fake, Around) else fake)
        try:
            yield
        finally:
            for module, name, real in before:
                setattr(module, name, real)
            for take_back in undo:
                take_back()
    finally:
        _depth -= 1
