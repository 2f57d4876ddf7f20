"""``when: {event: channel-lost, from: laptop}``: an event has come, since the last action began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import Node, Schema
from swrap.scenario.pattern import SCHEMA, Pattern, pattern_of
from swrap.scenario.scope import Scope
from swrap.scenario.triggers.base import Trigger

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class OnEvent(Trigger):
    """The first event that fits and that no other step took; ``Stage.next_event`` says which count."""

    pattern: Pattern

    key: ClassVar = "event"
    schema: ClassVar[Schema] = SCHEMA

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        return cls(pattern_of(value, node, scope))

    async def wait(self, stage: Stage, turn: float) -> None:
        await stage.next_event(self.pattern)

    def __str__(self) -> str:
        return str(self.pattern)

    def seen(self, stage: Stage) -> str:
        return stage.seen_instead(self.pattern)
