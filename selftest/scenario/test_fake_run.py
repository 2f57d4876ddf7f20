"""The shipped stories on the fake network: the same verdict, the same events every time, and real faults found."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.support.lab_fixtures import namespace, runtime_directory
from swrap.events import Event
from swrap.scenario import Outcome, load
from swrap.scenario import run as run_on
from swrap.scenario.explore import divergence, explore, lines
from swrap.scenario.fake_backend import run
from swrap.scenario.shim_backend import ShimBackend

__all__ = ["namespace", "runtime_directory"]

STORIES = Path(__file__).resolve().parents[2] / "scenarios"
SIMULATED = sorted(
    path
    for theme in ("link-switching", "policies", "process-failures")
    for path in (STORIES / theme).glob("*.yaml")
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


TOLD = {"transfer"}
"""Made by the clock: nobody's story."""


def first_times(events: list[Event], actor: str) -> list[tuple[str, str]]:
    """What an actor told, each thing once, in the order in which it first did: kind, and which path it is about."""
    said = [
        (event.kind, str(event.data.get("remote") or event.data.get("to") or ""))
        for event in events
        if event.source == actor and event.kind not in TOLD
    ]
    return list(dict.fromkeys(said))


@pytest.mark.usefixtures("runtime_directory", "namespace")
def test_the_same_story_on_real_processes_goes_the_same_way() -> None:
    scenario = load(STORIES / "link-switching" / "lan-to-wifi.yaml")
    real: list[Event] = []
    simulated: list[Event] = []
    verdict = asyncio.run(run_on(scenario, ShimBackend(), real.append))
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert run(scenario, simulated.append).outcome is verdict.outcome
    for actor in ("laptop", "server"):
        assert first_times(simulated, actor) == first_times(real, actor)
    steps = [
        [event.data["text"] for event in told if event.kind == "step-done"] for told in (real, simulated)
    ]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_hashes_have_no_say(hash_seed: str, tmp_path: Path) -> None:
    """The same lines under every PYTHONHASHSEED: those of this very process."""
    story = STORIES / "process-failures" / "worker-killed.yaml"
    file = tmp_path / "events"
    command = [
        sys.executable,
        "-m",
        "swrap.cli",
        "run",
        "--backend",
        "fake",
        "--seed",
        "9",
        "--events",
        str(file),
        str(story),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    assert subprocess.run(command, env=environment, capture_output=True, timeout=60).returncode == 0
    assert file.read_text().splitlines() == lines(load(story), 9)[0]
