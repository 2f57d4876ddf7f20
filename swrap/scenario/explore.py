"""A scenario on the fake network more than once: twice with one seed, or once with many.

Owns the comparison of two runs and the walk over seeds. Must not know who shows what comes of it. Called by the
command line and by tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from swrap.events import Event, encode
from swrap.scenario import fake_backend, forked
from swrap.scenario.model import Scenario
from swrap.scenario.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where two runs of one seed part: the number of the line, from 1, and both lines; None: no more of them."""

    line: int
    first: str | None
    second: str | None

    def __str__(self) -> str:
        return (
            f"event {self.line}:\n  first run:  {self.first or 'over'}\n  second run: {self.second or 'over'}"
        )


def lines(scenario: Scenario, seed: int) -> tuple[list[str], Verdict]:
    """All events of a run as lines, and what it comes to."""
    found: list[str] = []

    def keep(event: Event) -> None:
        found.append(encode(event))

    return found, fake_backend.run(scenario, keep, seed)


def divergence(first: list[str], second: list[str]) -> Divergence | None:
    """Where two lists part, or None where they are the same."""
    for number, (one, other) in enumerate(zip(first, second, strict=False), 1):
        if one != other:
            return Divergence(number, one, other)
    if len(first) == len(second):
        return None
    shorter = min(len(first), len(second))
    return Divergence(shorter + 1, *(run[shorter] if len(run) > shorter else None for run in (first, second)))


def explore(scenario: Scenario, seeds: range) -> Iterator[tuple[int, Verdict]]:
    """What the scenario comes to with each seed, one after the other; where a signal asks us to end, that."""
    with forked.each(partial(_verdict, scenario), seeds) as verdicts:
        for seed in seeds:
            try:
                yield seed, next(verdicts)
            except forked.Interrupted as came:
                yield seed, Verdict((), interrupted=came.number)
                return


def _verdict(scenario: Scenario, seed: int) -> Verdict:
    return fake_backend.run(scenario, lambda event: None, seed)
