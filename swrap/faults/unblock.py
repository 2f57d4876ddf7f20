"""``unblock``: a rule of ``block`` is taken back, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import Fault, Target, Touched


@dataclass(frozen=True, slots=True)
class Unblock(Fault):
    """``unblock: {}`` for all rules of ``block``, ``unblock: {rule: $blocked.rule}`` for one."""

    rule: int | None = None

    verb: ClassVar = "unblock"
    sentence: ClassVar = "A rule of `block` is taken back, or all of them."
    schema: ClassVar = {"type": "object", "properties": {"rule": {"type": "integer"}}}
    said: ClassVar = {"rule": "the rule's id; none: all"}
    may_miss: ClassVar = True

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(value.get("rule"))

    async def apply(self, target: Target) -> Touched:
        return await target.lift(self.verb, self.rule)
