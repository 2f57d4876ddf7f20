"""``- await: {event: channel-opened, from: laptop, where: {…}}``: go on when it has happened.

An event counts that came since the last step that did something began, waiting steps in between not
reckoned; each event counts once. So two steps can await two events in either order, and two like awaits
need two events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.pattern import PROPERTIES, Pattern, pattern_of
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class AwaitEvent(Action):
    """Wait for ``count`` events; the result is the last one's fields, with ``at``, ``event`` and ``from``."""

    pattern: Pattern
    count: int
    fields: tuple[str, ...]

    word: ClassVar = "await"
    acts: ClassVar = False
    doc: ClassVar = "Waits for an event, or finds that it came since the last step that did something began."
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": PROPERTIES
        | {"count": {"type": "integer", "minimum": 1, "description": "So many of them; 1 by default."}},
        "required": ["event"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        value = scope.read(entry.value, cls.schema)
        found = pattern_of(value, entry.value, scope)
        known = scope.event_fields(found.kind, entry.mark, found.source, entry.mark)
        return cls(found, value.get("count", 1), tuple(known or ()))

    def shape(self) -> Schema:
        if not self.fields:
            return {}
        return {"properties": {field: {} for field in (*self.fields, "at", "event", "from")}}

    async def perform(self, stage: Stage, context: Context) -> JSON:
        for _ in range(self.count - 1):
            await stage.next_event(self.pattern)
        event = await stage.next_event(self.pattern)
        return {**event.data, "at": event.at, "event": event.kind, "from": event.source}

    def expected(self) -> str:
        return f"{self.count} × {self.pattern}" if self.count > 1 else str(self.pattern)

    def seen(self, stage: Stage) -> str:
        return stage.seen_instead(self.pattern)
