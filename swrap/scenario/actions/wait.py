"""``- wait: {progress: copy, reaches: 50%}``: wait for an event or for progress, and do nothing else.

Not for time: a story in which nothing happens for a while says what comes after it, ``when: {after: 2s}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.scope import Scope
from swrap.scenario.triggers import SCHEMA, Trigger, trigger_of

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Wait(Action):
    """Wait for ``trigger``."""

    trigger: Trigger

    word: ClassVar = "wait"
    acts: ClassVar = False
    doc: ClassVar = "Waits for an event or for progress; time belongs to the next step's `when: {after: …}`."
    schema: ClassVar[Schema] = SCHEMA

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        trigger = trigger_of(entry.value, scope)
        if trigger.timed:
            hint = "write `when: {after: …}` on the step that comes next"
            raise scope.complain(entry.value.mark, f"wait is for an event or for progress; {hint}")
        return cls(trigger)

    async def perform(self, stage: Stage, context: Context) -> JSON:
        await self.trigger.wait(stage, stage.now())
        return {}

    def expected(self) -> str:
        return str(self.trigger)

    def seen(self, stage: Stage) -> str:
        return self.trigger.seen(stage)
