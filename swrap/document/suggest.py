"""«Did you mean»: the nearest known word to one that nobody knows.

Owns the one notion of nearness that every message uses. Knows nothing of files or positions. Called wherever
a name from a user is looked up: document checks, the topology, the scenario, the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_NEAR = 0.6  # difflib's ratio: two of three letters right, which catches swapped, lost and doubled ones


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None; of equals the first in sorted order."""
    candidates = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = get_close_matches(word.casefold(), sorted(candidates), n=1, cutoff=_NEAR)
    return candidates[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about the unknown ``word``: a suggestion, a short list, or nothing.

    It starts with ``"; "`` unless it is empty, so that it can be appended as it is.
    """
    names = sorted(set(known))
    found = nearest(word, names)
    if found is not None:
        return f"; did you mean {found!r}?"
    if 0 < len(names) <= 8:
        return f"; there is {', '.join(names)}" if len(names) == 1 else f"; there are {', '.join(names)}"
    return ""
