"""What a run comes to.

Owns the outcomes, their exit codes, and how a verdict follows from what happened. Made by ``run``; read by
the command line and by tests. All of it is in the run's events as well, for whoever shows or records a run.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from swrap.scenario.expectations import Judgement
from swrap.scenario.failure import Cause


class Outcome(Enum):
    """How a run came out, in a word."""

    PASSED = "pass"
    FAILED = "fail"
    HARNESS = "harness failed"
    INCONCLUSIVE = "inconclusive"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class FailedStep:
    """The step that ended the story; ``where`` is file:line."""

    number: int
    text: str
    where: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Missed:
    """A fault that touched nothing."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole of a run's result. ``interrupted``: a signal's number; ``harness``: why that failed."""

    expectations: Sequence[Judgement]
    failed: FailedStep | None = None
    missed: Sequence[Missed] = ()
    harness: str | None = None
    interrupted: int | None = None
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """A broken harness says nothing of the programs; a failure stands though a fault missed."""
        if self.interrupted is not None:
            return Outcome.INTERRUPTED
        if self.harness is not None:
            return Outcome.HARNESS
        if self.failed is not None or any(one.status != "pass" for one in self.expectations):
            return Outcome.FAILED
        return Outcome.INCONCLUSIVE if self.missed else Outcome.PASSED

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 harness failed, 4 inconclusive, 128 + n ended by signal n."""
        if self.interrupted is not None:
            return 128 + self.interrupted
        codes = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.HARNESS: 3, Outcome.INCONCLUSIVE: 4}
        return codes[self.outcome]

    @property
    def reason(self) -> str:
        """One line: why it is not a pass, or that it is."""
        if self.interrupted is not None:
            return f"interrupted by {signal.Signals(self.interrupted).name}"
        if self.harness is not None:
            return self.harness
        parts = []
        if self.failed is not None:
            parts.append(f"{self.failed.where}: {self.failed.text}: {self.failed.cause.message}")
        wrong = [one for one in self.expectations if one.status == "fail"]
        if wrong and not parts:
            parts.append(
                f"{wrong[0].where}: {wrong[0].text}: expected {wrong[0].expected}, seen {wrong[0].seen}"
            )
        if len(wrong) > 1:
            parts.append(f"{len(wrong)} expectations failed")
        skipped = sum(one.status == "skipped" for one in self.expectations)
        if skipped and not parts:
            parts.append(f"{skipped} expectations could not be judged")
        parts += [f"{one.where}: {one.text}: touched nothing" for one in self.missed]
        return "; ".join(parts) or "all as expected"
