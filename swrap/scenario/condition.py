"""What a value is to be: equal to something, or within bounds, or one of several.

Owns the operators that ``where:``, ``each:`` and ``value:`` share, their schema, their meaning and their
words. Must not know where the value comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from swrap.document import JSON, Schema
from swrap.document.keywords import REFERENCES
from swrap.document.units import SIZES, TIMES, duration, rate, size
from swrap.scenario.reference import NotThere, Reference, Template, resolve

QUANTITY: Schema = {
    "type": ["number", "string"],
    "title": "a number, or one with a unit such as 64MiB, 5s, 80M",
}

OPERATORS: Mapping[str, Schema] = MappingProxyType(
    {
        "equals": {"description": "The very same."},
        "not": {"description": "Anything else."},
        "at-least": QUANTITY,
        "at-most": QUANTITY,
        "more-than": QUANTITY,
        "less-than": QUANTITY,
        "one-of": {"type": "array", "minItems": 1},
        "matches": {
            "type": "string",
            "format": "regex",
            "description": "A regular expression, anywhere in the text.",
        },
    }
)

SCHEMA: Schema = {
    REFERENCES: True,
    "title": "a value, or a mapping with " + ", ".join(OPERATORS),
    "anyOf": [
        {"type": ["string", "number", "boolean", "null", "array"]},
        {"type": "object", "properties": dict(OPERATORS), "minProperties": 1, "additionalProperties": False},
    ],
}
"""The whole condition; a plain value means ``equals``."""


@dataclass(frozen=True, slots=True)
class Condition:
    """All of ``tests``, operator by operator, against one value."""

    tests: tuple[tuple[str, Template], ...]

    def resolved(self, results: Mapping[str, JSON]) -> Condition:
        """The same with its references replaced. Raises reference.NotThere."""
        tests = tuple((word, resolve(operand, results)) for word, operand in self.tests)
        for (word, operand), (_, written) in zip(tests, self.tests, strict=True):
            if word == "one-of" and not isinstance(operand, list):
                raise NotThere(f"one-of {say(written)}: {say(operand)} is no list")
            if word == "matches" and not _is_pattern(operand):
                raise NotThere(f"matches {say(written)}: {say(operand)} is no regular expression")
        return Condition(tests)

    def holds(self, value: JSON) -> bool:
        """Does ``value`` satisfy it? A value that cannot be compared does not."""
        return all(_TESTS[word](value, operand) for word, operand in self.tests)

    def __str__(self) -> str:
        return " and ".join(
            f"{_WORDS.get(word, word)} {say(operand)}".strip() for word, operand in self.tests
        )


def of(value: Template) -> Condition:
    """From what ``SCHEMA`` passed."""
    if isinstance(value, dict):
        return Condition(tuple(value.items()))
    return Condition((("equals", value),))


_WORDS: dict[str, str] = {"equals": "", "one-of": "one of", "at-least": "at least", "at-most": "at most"}
_WORDS |= {"more-than": "more than", "less-than": "less than", "matches": "matching"}


def say(value: Any) -> str:
    """A JSON value or reference, short, for a sentence."""
    if isinstance(value, Reference | str):
        return str(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {say(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(say, value)) + "]"
    return str(value)


def quantity(value: Any) -> float | int | None:
    """A number, or what text with a unit means (no unit is in two of the families); else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        unit = value.strip().lstrip("0123456789. ")
        parse: Callable[[str], float | int] = size if unit in SIZES else duration if unit in TIMES else rate
        try:
            return parse(value)
        except ValueError:
            return None
    return None


def _is_pattern(operand: object) -> bool:
    try:
        return isinstance(operand, str) and bool(re.compile(operand))
    except re.error:
        return False


def _equal(value: JSON, operand: JSON) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    return value == operand


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[JSON, JSON], bool]:
    def compare(value: JSON, operand: JSON) -> bool:
        mine, bound = quantity(value), quantity(operand)
        return mine is not None and bound is not None and test(mine, bound)

    return compare


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _equal,
    "not": lambda value, operand: not _equal(value, operand),
    "at-least": _compared(lambda mine, bound: mine >= bound),
    "at-most": _compared(lambda mine, bound: mine <= bound),
    "more-than": _compared(lambda mine, bound: mine > bound),
    "less-than": _compared(lambda mine, bound: mine < bound),
    "one-of": lambda value, operand: any(_equal(value, one) for one in operand),
    "matches": lambda value, operand: isinstance(value, str) and re.search(operand, value) is not None,
}
