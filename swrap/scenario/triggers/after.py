"""``when: {after: 2s}``: that long after the step before it was done."""

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
class After(Trigger):
    """``seconds`` after the step's turn came."""

    seconds: float

    key: ClassVar = "after"
    timed: ClassVar = True
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "after": DURATION
            | {"description": "Since the step before was done (or begun, if in the background)."}
        },
        "required": ["after"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        return cls(value["after"])

    async def wait(self, stage: Stage, turn: float) -> None:
        await stage.sleep_until(turn + self.seconds)

    def __str__(self) -> str:
        return f"{show_duration(self.seconds)} to pass"
