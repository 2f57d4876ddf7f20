"""``when: {at: 6s}``: that long after the run began; at once where that has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import Node, Schema
from swrap.document.formats import DURATION
from swrap.document.units import show_duration
from swrap.scenario.scope import Scope
from swrap.scenario.triggers.base import Trigger

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class At(Trigger):
    """``seconds`` after the run began, which is when all its actors were ready."""

    seconds: float

    key: ClassVar = "at"
    timed: ClassVar = True
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {"at": DURATION | {"description": "Since the first step's turn."}},
        "required": ["at"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        return cls(value["at"])

    async def wait(self, stage: Stage, turn: float) -> None:
        await stage.sleep_until(stage.first_turn + self.seconds)

    def __str__(self) -> str:
        return f"{show_duration(self.seconds)} since the first step"
