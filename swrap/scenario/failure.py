"""Why a step failed: what should have been, what was.

Owns the exception that actions and triggers raise. Anything else that they raise is a fault of the harness.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure: ``message`` in a line, and its two halves; ``status`` is an actor's own word for it."""

    message: str
    expected: str = ""
    seen: str = ""
    status: str | None = None


class StepFailure(Exception):
    """The step cannot be done."""

    def __init__(
        self, message: str, *, expected: str = "", seen: str = "", status: str | None = None
    ) -> None:
        super().__init__(message)
        self.cause = Cause(message, expected, seen, status)


class HarnessFailure(Exception):
    """The network or the runner itself is at fault; the run says nothing of the programs (exit code 3)."""
