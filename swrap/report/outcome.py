"""How a run came out: its steps, its expectations, its verdict.

Owns the meaning of ``step-*``, ``expectation`` and ``run-ended`` events. Must not know how they are shown.
Called by the model and by the reporters that write results (table, JSON, JUnit, HTML).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from swrap.events import Event

from .sentences import shown
from .units import count

VERDICTS: Mapping[int, str] = {
    0: "pass",
    1: "fail",
    2: "bad input",
    3: "harness failed",
    4: "inconclusive",
}
"""The exit codes of ``swrap run`` in a word each; more than 128 is a signal, any other is 3."""

_ENDS = {"step-done": "pass", "step-failed": "fail", "step-skipped": "skipped"}

FAILING = ("fail", "inconclusive")
"""The states of a step or an expectation that keep a run from passing."""


class Verdict(Protocol):
    """How a run came out, as whoever ran it says."""

    @property
    def exit_code(self) -> int:
        """The exit code of ``swrap run``."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What was to hold. ``status`` is pass, fail, skipped or inconclusive; ``where`` is file:line or empty.

    ``expected`` and ``seen`` are JSON values; None means that there is nothing to say.
    """

    text: str
    status: str
    expected: Any = None
    seen: Any = None
    where: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """What the programs of a host asked for ``count`` times, and what is not emulated."""

    host: str
    program: str
    pids: tuple[int, ...]
    call: str
    what: str
    count: int

    @property
    def text(self) -> str:
        """In a line."""
        pids = ", ".join(map(str, self.pids)) or "?"
        asked = f"{self.program} on {self.host} (process {pids}): {self.call} {self.what}"
        return f"{asked}, {self.count} times" if self.count > 1 else asked


@dataclass(slots=True)
class Step:
    """What was to be done. ``ended`` is None as long as it runs (s since the run's start).

    ``status`` is running, pass, fail, skipped, or inconclusive: a fault that ``missed``.
    """

    step: str
    text: str
    where: str
    started: float
    ended: float | None = None
    status: str = "running"
    missed: bool = False
    error: str = ""
    expected: Any = None
    seen: Any = None


@dataclass(slots=True)
class Outcome:
    """The run's result as far as it is known; ``exit_code`` is None until it is."""

    steps: dict[str, Step] = field(default_factory=dict)
    expectations: list[Expectation] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    exit_code: int | None = None
    reason: str = ""

    def apply(self, event: Event) -> None:
        """Take in one event; kinds that say nothing of the result are passed by."""
        data = event.data
        if event.kind == "expectation":
            self.expectations.append(
                Expectation(
                    text=_text(data, "text"),
                    status=_text(data, "status") or "inconclusive",
                    expected=data.get("expected"),
                    seen=data.get("seen"),
                    where=_text(data, "where"),
                    at=event.at,
                )
            )
        elif event.kind == "gap":
            self.gaps.append(_gap(data))
        elif event.kind == "step-started":
            self._step(event)
        elif event.kind == "fault-missed":
            self._step(event).missed = True
        elif event.kind in _ENDS:
            step = self._step(event)
            step.ended = event.at
            step.status = "inconclusive" if step.missed else _ENDS[event.kind]
            step.error = "the fault touched nothing" if step.missed else _text(data, "error")
            step.expected, step.seen = data.get("expected"), data.get("seen")
        elif event.kind == "run-ended":
            code = data.get("exit_code")
            self.exit_code = code if isinstance(code, int) else 3
            self.reason = _text(data, "reason") or self.reason

    def settle(self, verdict: Verdict | int | None) -> None:
        """The run is over. ``verdict`` prevails; with neither it nor ``run-ended`` the harness has failed."""
        if verdict is not None:
            self.exit_code = verdict if isinstance(verdict, int) else verdict.exit_code
            self.reason = str(getattr(verdict, "reason", "") or self.reason)
        elif self.exit_code is None:
            self.exit_code, self.reason = 3, "the run broke off"

    def _step(self, event: Event) -> Step:
        key = _text(event.data, "step")
        step = self.steps.get(key)
        if step is None:
            text, where = _text(event.data, "text"), _text(event.data, "where")
            step = self.steps[key] = Step(key, text or key, where, event.at)
        return step

    @property
    def verdict(self) -> str:
        """A word or two: ``pass``, ``fail``, ``inconclusive``, …; ``running`` as long as nobody knows."""
        if self.exit_code is None:
            return "running"
        return "interrupted" if self.exit_code > 128 else VERDICTS.get(self.exit_code, VERDICTS[3])

    def failed_steps(self) -> list[Step]:
        """Those that keep the run from passing, in their order."""
        return [step for step in self.steps.values() if step.status in FAILING]

    def _blamed(self) -> bool:
        return bool(self.failed_steps()) or any(one.status in FAILING for one in self.expectations)

    def summary(self) -> str:
        """The verdict and what is behind it; with the reason where no step and no expectation shows it."""
        shown = self.exit_code in (0, 1, 4) and (self.exit_code == 0 or self._blamed())
        return f"{self.verdict}: {self.tally()}" + (f"; {self.reason}" if self.reason and not shown else "")

    def tally(self) -> str:
        """The numbers behind the verdict: ``6 expectations held``, ``1 of 6 expectations did not hold``."""
        total = len(self.expectations)
        parts = []
        steps = [step.status for step in self.steps.values()]
        if failed := steps.count("fail"):
            parts.append(f"{failed} of {count(len(steps), 'step')} failed")
        if lost := steps.count("inconclusive"):
            parts.append(f"{count(lost, 'fault')} touched nothing")
        missed = sum(expectation.status == "fail" for expectation in self.expectations)
        unsure = sum(expectation.status == "inconclusive" for expectation in self.expectations)
        skipped = sum(expectation.status == "skipped" for expectation in self.expectations)
        if missed:
            parts.append(f"{missed} of {count(total, 'expectation')} did not hold")
        if unsure:
            parts.append(f"{unsure} of {count(total, 'expectation')} could not be decided")
        if skipped:
            parts.append(f"{count(skipped, 'expectation')} not looked at")
        if not parts:
            parts.append(f"{count(total, 'expectation')} held" if total else "nothing was expected")
        return ", ".join(parts)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None else shown(value)


def _gap(data: Mapping[str, Any]) -> Gap:
    pids, count = data.get("pids"), data.get("count")
    known = tuple(pid for pid in pids if isinstance(pid, int)) if isinstance(pids, (list, tuple)) else ()
    words = (_text(data, name) or "?" for name in ("host", "program", "call", "what"))
    host, program, call, what = words
    return Gap(host, program, known, call, what, count if isinstance(count, int) else 1)
