"""Faults that make a rule: traffic that is meant, and what becomes of it until the rule is taken back.

Owns how such a fault is spelled: the parts of a match, and beside them what its effect needs. Each of them is
a small file with its verb, its words and its effect.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document import JSON, Schema
from swrap.faults import effects, match
from swrap.faults.base import Fault, Target, Touched
from swrap.faults.match import Match
from swrap.faults.rule import Rule
from swrap.topology import Topology


@dataclass(frozen=True, slots=True)
class Ruling(Fault):
    """A rule of its verb; the rule's id is in the step's result, for ``heal: {rule: $step.rule}``."""

    what: Match
    effect: effects.Effect

    options: ClassVar[Mapping[str, Schema]] = {}
    """What can stand beside the match."""
    selectors: ClassVar[Sequence[str]] = tuple(match.FIELDS)
    """The parts of a match that make sense."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        return cls(Match.of(value), cls.effect_of(value))

    @classmethod
    @abstractmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Effect:
        """From what stands beside the match. Raises ValueError; KeyError where something is missing."""

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        yield from self.what.against(topology)

    async def apply(self, target: Target) -> Touched:
        return await target.impose(Rule(self.verb, self.what, self.effect))

    def data(self) -> dict[str, JSON]:
        return self.what.data() | effects.data(self.effect)


RULE = {"rule": "the rule's id, to take it back"}


def schema(options: Mapping[str, Schema], *required: str) -> Schema:
    """That of a match with ``options`` beside it."""
    whole: Schema = match.SCHEMA | {"properties": match.SCHEMA["properties"] | dict(options)}
    if required:
        del whole["minProperties"]
        whole["required"] = list(required)
    return whole


def said(options: Mapping[str, Schema]) -> dict[str, str]:
    """The fields of its event."""
    return {**match.FIELDS, **{key: part["description"] for key, part in options.items()}, **RULE}


class Groups:
    """How two hosts, or two sets of them, are named where nothing but they can be meant."""

    SELECTORS = ("between", "direction", "state")

    SCHEMA: ClassVar[Schema] = {
        "title": "two hosts, or two lists of hosts",
        "anyOf": [
            match.SCHEMA["properties"]["between"],
            {
                "type": "object",
                "properties": {key: match.SCHEMA["properties"][key] for key in SELECTORS},
                "required": ["between"],
            },
        ],
    }

    SAID: ClassVar[Mapping[str, str]] = {
        "between": "who is kept apart",
        "direction": match.FIELDS["direction"],
        **RULE,
    }

    @staticmethod
    def mapping(value: Any) -> Mapping[str, Any]:
        """The long form of either."""
        return value if isinstance(value, Mapping) else {"between": value}
