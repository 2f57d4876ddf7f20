"""``- start: curl``: an actor that does not run from the beginning is started now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Start(Action):
    """Start ``actor``; it is ready when this is done."""

    actor: str

    word: ClassVar = "start"
    doc: ClassVar = "Starts an actor; one that any step starts does not run from the beginning."
    schema: ClassVar[Schema] = {"type": "string", "title": "an actor"}

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        name = scope.read(entry.value, cls.schema)
        scope.actor(name, entry.value.mark)
        return cls(name)

    def shape(self) -> Schema:
        return {"properties": {"pid": {"type": "integer"}}}

    async def perform(self, stage: Stage, context: Context) -> JSON:
        return {"pid": await stage.start_actor(self.actor)}

    def expected(self) -> str:
        return f"{self.actor} to be ready"

    def seen(self, stage: Stage) -> str:
        return f"{self.actor} was not"
