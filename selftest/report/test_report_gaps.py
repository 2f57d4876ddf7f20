"""What is not emulated is said in every report, once, and only where somebody asked for it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from swrap.events import Event
from swrap.report.html import HtmlReporter
from swrap.report.junit import JunitReporter
from swrap.report.plain import PlainReporter
from swrap.report.results import JsonReporter

Make = Callable[..., Event]

WORDS = "smbd on server (process 7, 9): setsockopt IPPROTO_TCP TCP_ULP, 3 times"


@pytest.fixture
def gap(event: Make) -> Event:
    asked = {"call": "setsockopt", "what": "IPPROTO_TCP TCP_ULP", "count": 3}
    return event("gap", 9.0, "network", host="server", program="smbd", pids=[7, 9], **asked)


def written(events: list[Event], folder: Path) -> dict[str, str]:
    """The text of each report of one run."""
    plain, result = io.StringIO(), io.StringIO()
    console = Console(file=plain, width=200)
    reporters = {
        "plain": PlainReporter(console),
        "json": JsonReporter(result),
        "junit": JunitReporter(folder / "r.xml"),
        "html": HtmlReporter(folder / "r.html"),
    }
    for reporter in reporters.values():
        for event in events:
            reporter.event(event)
        reporter.finish(0)
    return {
        "plain": plain.getvalue(),
        "json": result.getvalue(),
        "junit": (folder / "r.xml").read_text(),
        "html": (folder / "r.html").read_text(),
    }


def test_each_report_says_who_asked_for_what(story: list[Event], gap: Event, tmp_path: Path) -> None:
    told = written([*story[:-1], gap, story[-1]], tmp_path)
    for report in ("plain", "junit", "html"):
        assert told[report].count(WORDS) == 1, report
    assert json.loads(told["json"])["gaps"] == [
        {"host": "server", "program": "smbd", "pids": [7, 9], "call": "setsockopt"}
        | {"what": "IPPROTO_TCP TCP_ULP", "count": 3}
    ]


def test_a_run_without_gaps_does_not_speak_of_them(story: list[Event], tmp_path: Path) -> None:
    told = written(story, tmp_path)
    assert not any("not emulated" in text.lower() for text in told.values())
    assert json.loads(told["json"])["gaps"] == []


def test_what_gaps_say_does_not_make_a_case(story: list[Event], gap: Event, tmp_path: Path) -> None:
    root = ElementTree.fromstring(written([*story[:-1], gap, story[-1]], tmp_path)["junit"])
    assert [(suite.get("tests"), suite.get("errors")) for suite in root] == [("9", "0")]


def test_an_event_that_lacks_fields_is_still_told(story: list[Event], event: Make, tmp_path: Path) -> None:
    told = written([*story[:-1], event("gap", 9.0, "network"), story[-1]], tmp_path)
    assert "? on ? (process ?): ? ?" in told["plain"]
