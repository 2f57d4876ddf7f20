"""``cut``: nothing passes between two hosts any more, though both have carrier.

The hosts still reach all others, as when a path in the middle of a network breaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.effects import Drop
from swrap.faults.match import Match
from swrap.faults.ruling import Groups, Ruling


@dataclass(frozen=True, slots=True)
class Cut(Ruling):
    """``cut: [laptop, server]``."""

    verb: ClassVar = "cut"
    sentence: ClassVar = "Nothing passes between two hosts any more, and neither of them is told."
    selectors: ClassVar = Groups.SELECTORS
    schema: ClassVar = Groups.SCHEMA
    said: ClassVar = Groups.SAID

    @classmethod
    def of(cls, value: Any) -> Self:
        whole = Groups.mapping(value)
        return cls(Match.of(whole), cls.effect_of(whole))

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> Drop:
        return Drop()
