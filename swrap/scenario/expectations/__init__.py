"""What can be expected of a run. A new expectation is a new file and a word here."""

from __future__ import annotations

from typing import Any

from swrap.document import Node, Schema
from swrap.scenario.expectations.base import Evidence, Expectation, Judgement
from swrap.scenario.expectations.events import Events
from swrap.scenario.expectations.order import Order
from swrap.scenario.expectations.value import Value
from swrap.scenario.reference import NotThere
from swrap.scenario.scope import Scope

EXPECTATIONS: tuple[type[Expectation], ...] = (Value, Events, Order)

SCHEMA: Schema = {"anyOf": [one.schema for one in EXPECTATIONS], "title": "one of value, events, order"}


def expectation_of(node: Node, scope: Scope) -> Expectation:
    """The expectation that ``node`` describes. Raises Skipped."""
    value: dict[str, Any] = scope.read(node, SCHEMA)
    kind = next(one for one in EXPECTATIONS if one.key in value)
    return kind.of(value, node, scope)


def judge(expectation: Expectation, evidence: Evidence) -> Judgement:
    """What becomes of one expectation; it is skipped where a step that it builds on gave no result."""
    text = expectation.title or expectation.text()
    where = f"{expectation.mark.file}:{expectation.mark.line}"
    try:
        holds, expected, seen = expectation.judge(evidence)
    except NotThere as error:
        return Judgement(text, "skipped", expectation.text(), str(error), where)
    return Judgement(text, "pass" if holds else "fail", expected, seen, where)


__all__ = ["EXPECTATIONS", "SCHEMA", "Evidence", "Expectation", "Judgement", "expectation_of", "judge"]
