"""The scenarios that come with it tell the truth: each passes as it is, and fails where its story is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.support.lab_fixtures import namespace, runtime_directory
from swrap.scenario import Verdict, load, run
from swrap.scenario.shim_backend import ShimBackend

__all__ = ["namespace", "runtime_directory"]

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SCENARIOS.rglob("*.yaml"))


def play(file: Path) -> Verdict:
    async def go() -> Verdict:
        return await run(load(file), ShimBackend(), lambda event: None)

    return asyncio.run(go())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SCENARIOS)))
def test_it_passes(file: Path) -> None:
    verdict = play(file)
    assert verdict.exit_code == 0, verdict.reason


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
