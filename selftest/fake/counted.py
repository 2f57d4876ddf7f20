"""What a library has from another."""

from __future__ import annotations

from dataclasses import dataclass

NONE = object()
level = 0


@dataclass(frozen=True)
class Tally:
    """It can never change."""

    uses: int
    of: object = NONE

    def more(self) -> Tally:
        """One more of the same."""
        assert self.of is NONE
        return Tally(self.uses + 1)


EMPTY = Tally(0)
tallies: dict[str, Tally] = {"of nobody": EMPTY}


def total() -> int:
    """All together."""
    assert tallies["of nobody"] is EMPTY
    return sum(one.uses for one in tallies.values())
