"""The shipped stories on the fake network: the same verdict, the same events every time, and real faults found."""

from __future__ import annotations

import gc
import logging
import os
import re
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from swrap.cli.seeds import verify
from swrap.events import Event
from swrap.fake.fabric.flow import FabricFlow as Flow
from swrap.scenario import Outcome, load
from swrap.scenario.explore import divergence, explore, lines
from swrap.scenario.fake_backend import run

STORIES = Path(__file__).resolve().parents[2] / "scenarios"
SIMULATED = [
    path
    for path in sorted(STORIES.rglob("*.yaml"))
    if all(actor.type is not None and actor.type.simulated for actor in load(path).actors)
]


@pytest.mark.parametrize("path", SIMULATED, ids=lambda path: path.stem)
def test_a_story_without_foreign_programs_passes(path: Path) -> None:
    events: list[Event] = []
    verdict = run(load(path), events.append, seed=3)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert events[-1].kind == "run-ended"
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_nothing_of_a_run_stays_open_though_programs_were_killed_in_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The tests' log keeps tracebacks, which keep all that they went through.
    caplog.set_level(logging.CRITICAL)
    before = _files_open()
    story = load(STORIES / "process-failures" / "worker-killed-copy-goes-on.yaml")
    assert run(story, lambda event: None).outcome is Outcome.PASSED
    gc.collect()
    assert _files_open() <= before


def _files_open() -> set[str]:
    links = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return {f"{path.name} {path.readlink()}" for path in links if "swrap-fake-" in str(path.readlink())}


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


SAY = """\
import sys
from pathlib import Path
from swrap.scenario import load
from swrap.scenario.explore import lines
for file in sys.argv[1:]:
    print(*lines(load(Path(file)), 9)[0], sep="\\n")
"""


def test_hashes_have_no_say() -> None:
    """The same lines of every story under every PYTHONHASHSEED."""
    command = [sys.executable, "-c", SAY, *map(str, SIMULATED)]
    said = [
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=100
        )
        for seed in ("1", "2")
    ]
    assert [done.returncode for done in said] == [0, 0], said[0].stderr
    assert divergence(*(done.stdout.splitlines() for done in said)) is None
    assert said[0].stdout.count("run-ended") == len(SIMULATED)


def test_what_chance_decides_behind_the_seeds_back_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nondeterminism that was planted: numbers that no run draws again."""
    numbers = count(1)
    begin = Flow.accepted

    def tell(self: Flow) -> None:
        begin(self)
        self._tell("flow-waiting", reason=f"drawn {next(numbers)}")

    monkeypatch.setattr(Flow, "accepted", tell)
    assert verify([load(STORIES / "link-switching" / "reset.yaml")], 3) == 3
    said = capsys.readouterr().out
    assert "two runs with seed 3 differ at event " in said
    first, second = re.findall(r"(?:first|second) run: .*drawn (\d+)", said)
    assert first == "1"
    assert int(second) > 1
