"""What a step can wait for before it begins (``when:``). A new trigger is a new file and a word here."""

from __future__ import annotations

from typing import Any

from swrap.document import Node, Schema
from swrap.scenario.scope import Scope
from swrap.scenario.triggers.after import After
from swrap.scenario.triggers.at import At
from swrap.scenario.triggers.base import Trigger
from swrap.scenario.triggers.on_event import OnEvent
from swrap.scenario.triggers.on_progress import OnProgress

TRIGGERS: tuple[type[Trigger], ...] = (After, At, OnEvent, OnProgress)

SCHEMA: Schema = {
    "anyOf": [trigger.schema for trigger in TRIGGERS],
    "title": "one of after, at, event, progress",
}


def trigger_of(node: Node, scope: Scope) -> Trigger:
    """The trigger that ``node`` (what stands after ``when:``) describes. Raises Skipped."""
    value: dict[str, Any] = scope.read(node, SCHEMA)
    kind = next(trigger for trigger in TRIGGERS if trigger.key in value)
    return kind.of(value, node, scope)


__all__ = ["SCHEMA", "TRIGGERS", "Trigger", "trigger_of"]
