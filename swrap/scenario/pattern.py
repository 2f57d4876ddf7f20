"""Which events are meant: a kind, perhaps a source, perhaps conditions on fields.

Owns the shape that ``await``, ``when``, ``events`` and ``order`` share: ``{event: channel-opened, from:
laptop, where: {remote: {matches: "^10\\\\.0\\\\.2\\\\."}}}``. Must not know what is done with the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swrap.document import JSON, Node, Schema, did_you_mean
from swrap.document import Mapping as MappingNode
from swrap.events import Event
from swrap.scenario import condition
from swrap.scenario.condition import Condition, say
from swrap.scenario.scope import Scope

WHERE: Schema = {
    "type": "object",
    "title": "a mapping of fields to conditions",
    "additionalProperties": condition.SCHEMA,
    "description": "Field (a dot leads into it): the value that it has, or a condition.",
}

PROPERTIES: Schema = {
    "event": {"type": "string", "description": "Its kind, as `swrap events` lists them."},
    "from": {"type": "string", "description": "An actor, `network` or `run`."},
    "where": WHERE,
}

SCHEMA: Schema = {
    "type": "object",
    "properties": PROPERTIES,
    "required": ["event"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Events of ``kind``, of ``source`` unless that is None, all of whose ``where`` hold."""

    kind: str
    source: str | None
    where: tuple[tuple[str, Condition], ...]

    def resolved(self, results: Mapping[str, JSON]) -> Pattern:
        """The same with its references replaced. Raises reference.NotThere."""
        where = tuple((path, one.resolved(results)) for path, one in self.where)
        return Pattern(self.kind, self.source, where)

    def likely(self, event: Event) -> bool:
        """Right kind and source, whatever is in it."""
        return event.kind == self.kind and self.source in (None, event.source)

    def matches(self, event: Event) -> bool:
        """Is this one of them?"""
        return self.likely(event) and not self.misses(event)

    def misses(self, event: Event) -> list[str]:
        """Of a likely event, which conditions fail, in words: ``remote 10.0.1.1:445``."""
        return [
            f"{path} {say(get(event.data, path))}"
            for path, one in self.where
            if not one.holds(get(event.data, path))
        ]

    def __str__(self) -> str:
        origin = f" from {self.source}" if self.source else ""
        fields = ", ".join(f"{path} {one}" for path, one in self.where)
        return f"{self.kind}{origin}" + (f" with {fields}" if fields else "")


def pattern_of(value: Mapping[str, Any], node: Node, scope: Scope, key: str = "event") -> Pattern:
    """From what the schema passed, checked against what there is; ``key`` has the kind. Raises Skipped."""
    marks = node if isinstance(node, MappingNode) else None
    place = marks.get(key) if marks else None
    source_node = marks.get("from") if marks else None
    fields = scope.event_fields(
        value[key],
        place.mark if place else node.mark,
        value.get("from"),
        source_node.mark if source_node else node.mark,
    )
    conditions = conditions_of(value, "where", node, scope, fields, value[key])
    return Pattern(value[key], value.get("from"), conditions)


def conditions_of(
    value: Mapping[str, Any],
    key: str,
    node: Node,
    scope: Scope,
    fields: Mapping[str, str] | None,
    kind: str,
) -> tuple[tuple[str, Condition], ...]:
    """The conditions under ``key`` (``where``, ``each``), their fields checked against those of the kind."""
    inner = node.get(key) if isinstance(node, MappingNode) else None
    if isinstance(inner, MappingNode) and fields is not None:
        for entry in inner:
            field = entry.key.partition(".")[0]
            if field not in fields:
                scope.complain(entry.mark, f"{kind} has no {field!r}{did_you_mean(field, fields)}")
    return tuple((path, condition.of(one)) for path, one in value.get(key, {}).items())


def get(data: Mapping[str, JSON], path: str) -> JSON:
    """What ``path`` leads to in ``data``; None where it leads nowhere. A field's own name may have dots."""
    if path in data:
        return data[path]
    value: Any = data
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return None
    found: JSON = value
    return found
