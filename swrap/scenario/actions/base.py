"""What an action is: the thing that a step does.

Owns the seam. One small file an action beside this one; ``actions`` lists them. An action is a value; what
it works on is the ``Stage``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from swrap.document import JSON, Entry, Schema
from swrap.scenario.scope import ANYTHING, Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Context:
    """The step around an action, as far as the action must know it."""

    number: int
    name: str | None
    may_miss: bool
    where: str
    text: str


class Action(ABC):
    """One thing to do. ``word`` is its key in YAML."""

    word: ClassVar[str]
    schema: ClassVar[Schema]
    """Of what stands after the word."""
    doc: ClassVar[str]
    acts: ClassVar[bool] = True
    """False: it only waits, and events that came before it began still count for the next one."""
    may_miss: ClassVar[bool] = False
    """True: `may-miss:` means something on it."""

    @classmethod
    @abstractmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        """From the key and what stands after it. Raises Skipped."""

    @abstractmethod
    async def perform(self, stage: Stage, context: Context) -> JSON:
        """Do it, and return its result. Raises StepFailure."""

    def shape(self) -> Schema:
        """What its result can hold."""
        return ANYTHING

    def expected(self) -> str:
        """What should happen within the step's deadline."""
        return "to be done"

    def seen(self, stage: Stage) -> str:
        """What was there when the deadline came."""
        return "it was still going on"
