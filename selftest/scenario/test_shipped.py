"""The scenarios that come with it tell the truth: each passes as it is, and fails where its story is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest

from selftest.support.lab_fixtures import namespace, runtime_directory
from swrap.events import Event
from swrap.scenario import Verdict, fake_backend, load, run
from swrap.scenario.shim_backend import ShimBackend

__all__ = ["namespace", "runtime_directory"]

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SCENARIOS.rglob("*.yaml"))


def play(file: Path, events: list[Event] | None = None) -> Verdict:
    kept = [] if events is None else events

    async def go() -> Verdict:
        return await run(load(file), ShimBackend(), kept.append)

    return asyncio.run(go())


SEEDS = range(80)
RUNS = 4
"""Where two channels die at once, each may be the first to be missed. A real run shows one such order, a seed another."""
CLOCKED = {"transfer"}
"""Kinds that are told because time has passed: nobody's story."""
RACES = {
    "lost-acks": "heal",  # comes while the client is about to leave the channel: which is first is not told
}
"""Stories in which two things happen at once: what brings that about, until which they are compared."""


def first_times(events: list[Event], actor: str, until: str | None) -> list[tuple[str, str]]:
    """What an actor told, each thing once, in the order in which it first did: kind, and which path it is about."""
    kinds = [event.kind for event in events]
    told = events[: kinds.index(until)] if until is not None else events
    said = [
        (event.kind, str(event.data.get("remote") or event.data.get("to") or ""))
        for event in told
        if event.source == actor and event.kind not in CLOCKED
    ]
    return list(dict.fromkeys(said))


Story = dict[str, list[tuple[str, str]]]


def story(file: Path, events: list[Event]) -> Story:
    """What each actor told, and which steps were done: those in the background end when they do."""
    until = RACES.get(file.stem)
    told = {actor.name: first_times(events, actor.name, until) for actor in load(file).actors}
    steps = sorted((event.kind, str(event.data["text"])) for event in events if event.kind == "step-done")
    return {**told, "": steps}


def nearest(told: Story, stories: list[Story]) -> str:
    """What it tells otherwise than the one of them that is most like it."""
    lines = [
        "\n".join(unified_diff(shown(other), shown(told), "fake", "real", lineterm="")) for other in stories
    ]
    return min(lines, key=len)


def shown(told: Story) -> list[str]:
    return [f"{actor or 'steps'}: {' '.join(said)}" for actor, all_said in told.items() for said in all_said]


def fake(file: Path, seed: int, verdict: Verdict) -> list[Event]:
    """The events of a run on the fake network, which comes to the same."""
    events: list[Event] = []
    assert fake_backend.run(load(file), events.append, seed).outcome is verdict.outcome
    return events


def simulated(file: Path) -> bool:
    """Does it need no foreign program?"""
    return all(actor.type is not None and actor.type.simulated for actor in load(file).actors)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SCENARIOS)))
def test_it_passes_and_goes_the_same_way_on_the_fake_network(file: Path) -> None:
    """As one run in a few does: a busy machine can bring about an order that is one in a thousand."""
    stories: list[Story] = []
    for _ in range(RUNS):
        real: list[Event] = []
        verdict = play(file, real)
        assert verdict.exit_code == 0, verdict.reason
        if not simulated(file):
            return
        told = story(file, real)
        if told in stories:
            return
        for seed in SEEDS[len(stories) :]:
            stories.append(story(file, fake(file, seed, verdict)))
            if stories[-1] == told:
                return
    pytest.fail(f"in no seed's order: {nearest(told, stories)}")


def test_all_but_those_with_foreign_programs_are_simulated() -> None:
    assert {file.parent.name for file in FILES if not simulated(file)} == {"any-program", "cluster"}


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Verdict]:
    """Play `no-way-back` with one text in it replaced by another."""

    def change(name: str, old: str, new: str) -> Verdict:
        text = (SCENARIOS / name).read_text()
        assert old in text
        file = tmp_path / "changed.yaml"
        file.write_text(text.replace(old, new))
        return play(file)

    return change


def test_a_hash_that_is_not_the_files_fails(changed: Callable[[str, str, str], Verdict]) -> None:
    verdict = changed("link-switching/no-way-back.yaml", "equals: $copied.sha256", "equals: 0123abcd")
    assert verdict.exit_code == 1
    assert [one.text for one in verdict.expectations if one.status == "fail"] == ["the file arrived whole"]


def test_a_cable_that_is_not_pulled_leaves_the_client_where_it_was(
    changed: Callable[[str, str, str], Verdict],
) -> None:
    verdict = changed(
        "link-switching/no-way-back.yaml", "link-down: laptop.eth0\n    when", "heal: {}\n    when"
    )
    assert verdict.exit_code == 1
    assert verdict.failed is not None
    assert verdict.failed.cause.expected == "path-changed from laptop with to 10.0.2.1 within 10 s"
    assert "the last at" in verdict.failed.cause.seen or "no path-changed" in verdict.failed.cause.seen


def test_a_fault_on_a_path_that_nobody_uses_proves_nothing(
    changed: Callable[[str, str, str], Verdict],
) -> None:
    verdict = changed(
        "any-program/download-through-a-cut.yaml",
        "- link-up: server.eth0\n    when",
        "- reset: {port: 8080}\n  - link-up: server.eth0\n    when",
    )
    assert verdict.exit_code == 4
    assert verdict.reason.endswith("reset port: 8080: touched nothing")
