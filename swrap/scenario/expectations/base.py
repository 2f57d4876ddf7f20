"""What an expectation is, and what becomes of one.

Owns the seam and the judgement. One small file an expectation beside this one. Judging is pure: from the
events and results of a run to a judgement, whatever the back end was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from swrap.document import JSON, Mark, Node, Schema
from swrap.events import Event
from swrap.scenario.scope import Scope

Status = Literal["pass", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One expectation and what was seen. ``skipped``: there was nothing to judge by; ``seen`` says why."""

    text: str
    status: Status
    expected: str
    seen: str
    where: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left: its events (samples not among them) and the results of its steps."""

    events: Sequence[Event]
    results: Mapping[str, JSON]


class Expectation(ABC):
    """Something that is to be true at the end. ``key`` tells it from the others."""

    key: ClassVar[str]
    schema: ClassVar[Schema]
    title: str | None
    mark: Mark

    @classmethod
    @abstractmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        """From what ``schema`` passed. Raises Skipped."""

    @abstractmethod
    def judge(self, evidence: Evidence) -> tuple[bool, str, str]:
        """(does it hold, what was expected, what was seen). Raises reference.NotThere."""

    @abstractmethod
    def text(self) -> str:
        """The expectation in words."""
