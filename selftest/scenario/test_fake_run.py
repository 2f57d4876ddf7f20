"""The shipped stories on the fake network: the same verdict, the same events every time, and real faults found."""

from __future__ import annotations

from pathlib import Path

import pytest

from swrap.events import Event
from swrap.scenario import Outcome, load
from swrap.scenario.explore import divergence, explore, lines
from swrap.scenario.fake_backend import run

STORIES = Path(__file__).resolve().parents[2] / "scenarios"
SIMULATED = sorted(
    path for theme in ("link-switching", "process-failures") for path in (STORIES / theme).glob("*.yaml")
)


@pytest.mark.parametrize("path", SIMULATED, ids=lambda path: path.stem)
def test_a_story_without_foreign_programs_passes(path: Path) -> None:
    events: list[Event] = []
    verdict = run(load(path), events.append, seed=3)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert events[-1].kind == "run-ended"
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    scenario = load(STORIES / "link-switching" / "reset.yaml")
    first, again, other = (lines(scenario, seed)[0] for seed in (11, 11, 12))
    assert divergence(first, again) is None
    assert divergence(first, other) is not None


def test_seeds_are_explored_one_after_the_other() -> None:
    scenario = load(STORIES / "link-switching" / "reset.yaml")
    found = list(explore(scenario, range(5, 8)))
    assert [seed for seed, _ in found] == [5, 6, 7]
    assert {verdict.exit_code for _, verdict in found} == {0}


def test_a_foreign_program_is_refused_with_a_sentence() -> None:
    verdict = run(load(STORIES / "any-program" / "download-through-a-cut.yaml"), lambda event: None)
    assert verdict.outcome is Outcome.HARNESS
    assert "real program" in (verdict.harness or "")
