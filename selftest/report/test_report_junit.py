"""A CI reads JUnit: what did not hold is a failure there, what proved nothing is an error and never a skip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from swrap.events import Event
from swrap.report.junit import JunitReporter

Make = Callable[..., Event]


def written(path: Path, *runs: list[Event], verdict: int | None = None) -> ElementTree.Element:
    reporter = JunitReporter(path)
    for run in runs:
        for event in run:
            reporter.event(event)
        reporter.finish(verdict)
    return ElementTree.fromstring(path.read_bytes())


def counts(element: ElementTree.Element) -> list[int]:
    return [int(element.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")]


def test_each_step_and_each_expectation_is_a_testcase(story: list[Event], tmp_path: Path) -> None:
    root = written(tmp_path / "r.xml", story)
    (suite,) = root
    assert counts(root) == counts(suite) == [9, 0, 0, 0]
    names = [case.get("name", "") for case in suite]
    assert names[0] == "step: laptop.login"
    assert names[-1] == "expect: link-down server.eth0 before channel-opened on wlan0"
    assert (suite[0].get("file"), suite[0].get("line")) == ("lan-to-wifi.yaml", "15")
    assert float(suite[2].get("time", "0")) > 10


def test_a_failure_says_what_was_expected_and_seen(failed_story: list[Event], tmp_path: Path) -> None:
    root = written(tmp_path / "r.xml", failed_story)
    assert counts(root) == [9, 1, 0, 0]
    failure = next(root.iter("failure"))
    assert failure.get("message") == "expected 9f2c51e0, seen 00aa11bb"
    assert "lan-to-wifi.yaml:30" in (failure.text or "")


@pytest.mark.parametrize(
    ("status", "tallied"),
    [
        ("pass", [1, 0, 0, 0]),
        ("fail", [1, 1, 0, 0]),
        ("skipped", [1, 0, 0, 1]),
        ("inconclusive", [1, 0, 1, 0]),
    ],
)
def test_each_status_has_its_tag(event: Make, tmp_path: Path, status: str, tallied: list[int]) -> None:
    told = [event("run-started", title="t"), event("expectation", text="x", status=status)]
    assert counts(written(tmp_path / "r.xml", told, verdict=0)) == tallied


def test_a_run_that_failed_without_a_failing_case_is_not_green(event: Make, tmp_path: Path) -> None:
    told = [event("run-started", title="t"), event("run-ended", exit_code=3, reason="the switch died")]
    root = written(tmp_path / "r.xml", told)
    assert counts(root) == [1, 0, 1, 0]
    assert "the switch died" in (next(root.iter("error")).text or "")


def test_a_fault_that_missed_is_an_error(event: Make, tmp_path: Path) -> None:
    step = {"step": 1, "text": "link-down a.b", "where": "x.yaml:3"}
    told = [event("step-started", **step), event("fault-missed", **step), event("step-done", **step)]
    assert counts(written(tmp_path / "r.xml", told, verdict=4)) == [1, 0, 1, 0]


def test_all_runs_of_a_command_are_in_one_file(
    story: list[Event], failed_story: list[Event], tmp_path: Path
) -> None:
    root = written(tmp_path / "r.xml", story, failed_story)
    assert counts(root) == [18, 1, 0, 0]
    assert [counts(suite)[1] for suite in root] == [0, 1]


def test_no_text_can_break_the_document(event: Make, tmp_path: Path) -> None:
    nasty = ']]> <a b="c"> & \x00 \x1b[31m \ud800 \ufffe 電 \U0001f600'
    told = [
        event("run-started", title=nasty, file=nasty),
        event("expectation", text=nasty, status="fail", expected=nasty, seen=nasty, where=nasty),
        event("step-failed", step=1, text=nasty, where=nasty, error=nasty),
    ]
    root = written(tmp_path / "r.xml", told, verdict=1)
    assert "電 \U0001f600" in (root[0].get("name") or "")
    assert counts(root) == [2, 2, 0, 0]
