"""What a trigger is: something that a step waits for before it begins.

Owns the seam. One small file a trigger beside this one; ``registry`` lists them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import Node, Schema
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


class Trigger(ABC):
    """One ``when:``. ``key`` tells it from the others; ``timed``: the clock brings it, no deadline counts."""

    key: ClassVar[str]
    schema: ClassVar[Schema]
    timed: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        """From what ``schema`` passed. Raises Skipped."""

    @abstractmethod
    async def wait(self, stage: Stage, turn: float) -> None:
        """Return when the step may begin; its turn came at ``turn``. Raises StepFailure."""

    @abstractmethod
    def __str__(self) -> str:
        """What is waited for, to stand after «waiting for»."""

    def seen(self, stage: Stage) -> str:
        """What there was instead, when a deadline came first."""
        return "nothing of the kind"
