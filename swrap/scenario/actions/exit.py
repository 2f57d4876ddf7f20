"""``- exit: curl``: wait for an actor's process to end, and look at how it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema, at
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.failure import StepFailure
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Exit(Action):
    """Wait for ``actor`` to end: with ``status`` (a number, or a signal's name), or None: in any way."""

    actor: str
    status: int | str | None

    word: ClassVar = "exit"
    acts: ClassVar = False
    doc: ClassVar = "Waits for an actor's process to end: with status 0 unless told otherwise."
    schema: ClassVar[Schema] = {
        "title": "an actor, or a mapping with actor and status",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "actor": {"type": "string"},
                    "status": {
                        "type": ["integer", "string"],
                        "title": "an exit status, a signal such as KILL, or any",
                        "description": "0 by default.",
                    },
                },
                "required": ["actor"],
                "additionalProperties": False,
            },
        ],
    }

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        value = scope.read(entry.value, cls.schema)
        given = value if isinstance(value, dict) else {"actor": value}
        scope.actor(given["actor"], at(entry.value, ("actor",)))
        status = given.get("status", 0)
        return cls(given["actor"], None if status == "any" else status)

    def shape(self) -> Schema:
        return {"properties": {"status": {}, "signal": {}, "output": {}}}

    async def perform(self, stage: Stage, context: Context) -> JSON:
        actor = stage.actor(self.actor)
        ended = await actor.ended()
        how = ended.signal if isinstance(self.status, str) else ended.status
        if self.status is not None and how != self.status:
            words = actor.last_words()
            raise StepFailure(
                f"{self.actor} {ended}{words}", expected=self.expected(), seen=f"{self.actor} {ended}"
            )
        return {"status": ended.status, "signal": ended.signal, "output": actor.output()}

    def expected(self) -> str:
        if self.status is None:
            return f"{self.actor} to end"
        how = f"by signal {self.status}" if isinstance(self.status, str) else f"with status {self.status}"
        return f"{self.actor} to end {how}"

    def seen(self, stage: Stage) -> str:
        return f"{self.actor} was still running"
