"""``- join: copy``: wait for a step in the background to be done, and take its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema
from swrap.document.units import show_size
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Join(Action):
    """Wait for the step ``name``; its result is this step's too."""

    name: str
    result: Schema

    word: ClassVar = "join"
    acts: ClassVar = False
    doc: ClassVar = "Waits for a step in the background to be done."
    schema: ClassVar[Schema] = {"type": "string", "title": "the `as:` of a step in the background"}

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        name = scope.read(entry.value, cls.schema)
        named = scope.result(name, entry.value.mark)
        if not named.progress:
            raise scope.complain(entry.value.mark, f"{name!r} is no step with `background: true`")
        if not named.pending:
            raise scope.complain(entry.value.mark, f"{name!r} has been joined already")
        named.pending = False
        return cls(name, named.shape)

    def shape(self) -> Schema:
        return self.result

    async def perform(self, stage: Stage, context: Context) -> JSON:
        return await stage.joined(self.name)

    def expected(self) -> str:
        return f"{self.name} to be done"

    def seen(self, stage: Stage) -> str:
        done, total = stage.progress.get(self.name, (0, 0))
        return f"{self.name} at {show_size(done)}" + (f" of {show_size(total)}" if total else "")
