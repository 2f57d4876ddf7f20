"""``{order: [{link-down: server.eth0}, {event: channel-lost}, …]}``: these happened, one after the other.

Other events may lie between them. A fault can be named as in a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document import Entry, Mark, Node, Schema, Sequence, at
from swrap.document import Mapping as MappingNode
from swrap.faults import FAULTS
from swrap.scenario import condition
from swrap.scenario.expectations.base import Evidence, Expectation
from swrap.scenario.pattern import SCHEMA, Pattern, pattern_of
from swrap.scenario.reference import references
from swrap.scenario.scope import Scope

_FAULT: dict[str, Schema] = {
    verb: {
        "type": "object",
        "properties": {verb: fault.schema},
        "required": [verb],
        "additionalProperties": False,
    }
    for verb, fault in FAULTS.items()
}


@dataclass(frozen=True, slots=True)
class Order(Expectation):
    """An event of each pattern, in this order."""

    patterns: tuple[Pattern, ...]
    title: str | None
    mark: Mark

    key: ClassVar = "order"
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "order": {
                "type": "array",
                "items": {"anyOf": [SCHEMA, *_FAULT.values()], "title": "an event or a fault"},
                "minItems": 2,
            },
            "title": {"type": "string"},
        },
        "required": ["order"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        items = node.get("order") if isinstance(node, MappingNode) else None
        nodes = items.items if isinstance(items, Sequence) else ()
        patterns = tuple(_pattern(one, part, scope) for one, part in zip(value["order"], nodes, strict=True))
        return cls(patterns, value.get("title"), node.mark)

    def judge(self, evidence: Evidence) -> tuple[bool, str, str]:
        wanted = [one.resolved(evidence.results) for one in self.patterns]
        expected = ", then ".join(map(str, wanted))
        found: list[str] = []
        events = iter(evidence.events)
        for one in wanted:
            event = next((event for event in events if one.matches(event)), None)
            if event is None:
                after = f" after {found[-1]}" if found else ""
                never = "" if any(one.matches(event) for event in evidence.events) else " at all"
                return False, expected, f"no {one}{after}{never}"
            found.append(f"{one.kind} at {event.at:.2f} s")
        return True, expected, ", ".join(found)

    def text(self) -> str:
        return "in order: " + ", ".join(map(str, self.patterns))


def _pattern(value: dict[str, Any], node: Node, scope: Scope) -> Pattern:
    if "event" in value:
        return pattern_of(value, node, scope)
    ((verb, given),) = value.items()
    entry: Entry | None = node.entry(verb) if isinstance(node, MappingNode) else None
    place = entry.value if entry else node
    if references(given):
        raise scope.complain(place.mark, f"write `event: {verb}` with a `where:` to compare with a result")
    try:
        fault = FAULTS[verb].of(given)
    except ValueError as error:
        raise scope.complain(place.mark, str(error)) from None
    for path, message in fault.against(scope.topology) if scope.topology else ():
        scope.complain(at(place, path), message)
    return Pattern(verb, None, tuple((key, condition.of(part)) for key, part in fault.data().items()))
