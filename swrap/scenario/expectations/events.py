"""``{events: channel-opened, each: {…}, at-least: 4}``: events came as often, and as alike, as they should.

In this order: those of the kind, from the source, with the ``where``; less the first ``skip``; of these the
number is taken, each must satisfy ``each``, and all must have the ``same`` values. Without a count there
must be one at least, lest an expectation of nothing be met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document import Entry, Mark, Node, Schema, did_you_mean
from swrap.document import Mapping as MappingNode
from swrap.events import Event
from swrap.scenario.condition import Condition, say
from swrap.scenario.expectations.base import Evidence, Expectation
from swrap.scenario.pattern import PROPERTIES, WHERE, Pattern, conditions_of, get, pattern_of
from swrap.scenario.scope import Scope

_COUNT: Schema = {"type": "integer", "minimum": 0}
_SHOWN = 4  # different values or misses told of: enough to see what is wrong


@dataclass(frozen=True, slots=True)
class Events(Expectation):
    """``least`` and ``most`` bound the number; ``most`` None: no bound."""

    pattern: Pattern
    each: tuple[tuple[str, Condition], ...]
    same: tuple[str, ...]
    skip: int
    least: int
    most: int | None
    title: str | None
    mark: Mark

    key: ClassVar = "events"
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "events": PROPERTIES["event"],
            "from": PROPERTIES["from"],
            "where": WHERE,
            "each": WHERE | {"description": "What must be true of every one of them."},
            "same": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
                "description": "Fields that have one value in all of them.",
            },
            "skip": _COUNT | {"description": "So many of the first are left out."},
            "exactly": _COUNT,
            "at-least": _COUNT | {"description": "1 where no count is given."},
            "at-most": _COUNT,
            "title": {"type": "string"},
        },
        "required": ["events"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        found = pattern_of(value, node, scope, key="events")
        fields = scope.event_fields(found.kind, node.mark, found.source, node.mark)
        each = conditions_of(value, "each", node, scope, fields, found.kind)
        same = value.get("same", [])
        same = (same,) if isinstance(same, str) else tuple(same)
        for path in same:
            field = path.partition(".")[0]
            if fields is not None and field not in fields:
                scope.complain(
                    _value_of(node, "same"), f"{found.kind} has no {field!r}{did_you_mean(field, fields)}"
                )
        exactly, least, most = (value.get(word) for word in ("exactly", "at-least", "at-most"))
        if exactly is not None and (least is not None or most is not None):
            raise scope.complain(
                _value_of(node, "exactly"), "`exactly` says it all; at-least and at-most say more"
            )
        if least is not None and most is not None and least > most:
            raise scope.complain(
                _value_of(node, "at-most"), f"at least {least} and at most {most} cannot both be"
            )
        if exactly is not None:
            least, most = exactly, exactly
        elif least is None:
            least = 1 if most is None else 0
        skip = value.get("skip", 0)
        return cls(found, each, same, skip, least, most, value.get("title"), node.mark)

    def judge(self, evidence: Evidence) -> tuple[bool, str, str]:
        wanted = self.pattern.resolved(evidence.results)
        each = tuple((path, one.resolved(evidence.results)) for path, one in self.each)
        events = [event for event in evidence.events if wanted.matches(event)][self.skip :]
        told = [_count_words(self.least, self.most)] if self._counted() else []
        told += [f"each {path} {one}" for path, one in each] + [f"one {path} in all" for path in self.same]
        seen: list[str] = []
        if not self.least <= len(events) <= (len(events) if self.most is None else self.most):
            seen.append(_number(len(events), self.pattern.kind) + _when(events))
        seen += _misses(events, each)
        for path in self.same:
            values = list(dict.fromkeys(say(get(event.data, path)) for event in events))
            if len(values) > 1:
                seen.append(f"{path}: {', '.join(values[:_SHOWN])}")
        agreed = ", ".join(f"{path} {say(get(events[0].data, path))}" for path in self.same if events)
        fine = _number(len(events), self.pattern.kind) + (f", {agreed}" if agreed else "")
        return not seen, ", ".join(told), "; ".join(seen) or fine

    def _counted(self) -> bool:
        return not (self.each or self.same) or (self.least, self.most) != (1, None)

    def text(self) -> str:
        parts = [
            f"{_count_words(self.least, self.most)} {self.pattern}"
            if self._counted()
            else f"every {self.pattern}"
        ]
        if self.skip:
            parts.append(f"after the first {self.skip}" if self.skip > 1 else "after the first")
        parts += [f"each {path} {one}" for path, one in self.each]
        parts += [f"one {path} in all" for path in self.same]
        return ", ".join(parts)


def _value_of(node: Node, key: str) -> Mark:
    entry: Entry | None = node.entry(key) if isinstance(node, MappingNode) else None
    return entry.value.mark if entry else node.mark


def _count_words(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least}"
    if least == most:
        return f"exactly {least}" if least else "no"
    return f"at most {most}" if least == 0 else f"{least} to {most}"


def _number(count: int, kind: str) -> str:
    return f"no {kind}" if count == 0 else f"{count} × {kind}"


def _when(events: list[Event]) -> str:
    times = [f"{event.at:.2f} s" for event in events]
    if len(times) > _SHOWN:
        times = [*times[: _SHOWN - 1], "…", times[-1]]
    return f" (at {', '.join(times)})" if times else ""


def _misses(events: list[Event], each: tuple[tuple[str, Condition], ...]) -> list[str]:
    """Which events do not satisfy ``each``, in words."""
    wrong = [
        f"at {event.at:.2f} s {path} {say(get(event.data, path))}"
        for event in events
        for path, one in each
        if not one.holds(get(event.data, path))
    ]
    rest = len(wrong) - _SHOWN
    return wrong if rest <= 0 else [*wrong[:_SHOWN], f"and {rest} more"]
