"""``heal``: the network gets back to health, whatever was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import Fault, Target, Touched


@dataclass(frozen=True, slots=True)
class Heal(Fault):
    """``heal: {}``."""

    verb: ClassVar = "heal"
    sentence: ClassVar = "All cables are in, no rules are left, rates are those of the lab."
    schema: ClassVar = {"type": "object", "properties": {}}
    said: ClassVar[dict[str, str]] = {}
    may_miss: ClassVar = True

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls()

    async def apply(self, target: Target) -> Touched:
        return await target.heal()
