"""``{value: $stored.sha256, equals: $copied.sha256}``: the result of a step is as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document import Mark, Node, Schema
from swrap.document.keywords import REFERENCES
from swrap.scenario import condition
from swrap.scenario.condition import OPERATORS, Condition, say
from swrap.scenario.expectations.base import Evidence, Expectation
from swrap.scenario.reference import Template, resolve
from swrap.scenario.scope import Scope


@dataclass(frozen=True, slots=True)
class Value(Expectation):
    """``value`` satisfies ``condition``."""

    value: Template
    condition: Condition
    title: str | None
    mark: Mark

    key: ClassVar = "value"
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "value": {REFERENCES: True, "description": "A reference such as $stored.sha256."},
            "title": {"type": "string"},
            **{word: part | {REFERENCES: True} for word, part in OPERATORS.items()},
        },
        "required": ["value"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        tests = {word: operand for word, operand in value.items() if word in OPERATORS}
        if not tests:
            raise scope.complain(node.mark, f"what is it to be? One of {', '.join(OPERATORS)} is missing")
        return cls(value["value"], condition.of(tests), value.get("title"), node.mark)

    def judge(self, evidence: Evidence) -> tuple[bool, str, str]:
        value = resolve(self.value, evidence.results)
        resolved = self.condition.resolved(evidence.results)
        return resolved.holds(value), str(resolved), say(value)

    def text(self) -> str:
        is_ = "equals" if self.condition.tests[0][0] == "equals" else "is"
        return f"{say(self.value)} {is_} {self.condition}"
