"""A log has a line for each event worth reading, and no more."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest
from rich.console import Console

from swrap.events import Event
from swrap.report.plain import PlainReporter

Make = Callable[..., Event]


def log(events: Iterable[Event], encoding: str = "utf-8", **options: object) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    reporter = PlainReporter(Console(file=stream, highlight=False, markup=False, **options))  # type: ignore[arg-type]
    for event in events:
        reporter.event(event)
    reporter.finish()
    return raw.getvalue().decode(encoding)


def test_the_story_can_be_read(story: list[Event]) -> None:
    lines = log(story).splitlines()
    down = next(number for number, line in enumerate(lines) if "is pulled" in line)
    again = next(number for number, line in enumerate(lines) if "plugged in again" in line)
    moved = next(number for number, line in enumerate(lines) if "channel 3 open" in line)
    assert down < moved < again
    assert lines[down].split()[:2] == ["3.66", "network"]
    assert lines[-1].startswith(" ✔ pass: 5 expectations held")


def test_samples_are_left_out_and_progress_comes_by_tenths(story: list[Event]) -> None:
    text = log(story)
    assert "flow-sample" not in text
    tenths = [line.partition(" %")[0].split()[-1] for line in text.splitlines() if " %" in line]
    assert tenths == [str(tenth * 10) for tenth in range(1, 11)]


def test_a_pipe_gets_no_escape_sequences_and_whole_lines(event: Make) -> None:
    text = log([event("run-started", title="x" * 300), event("link-down", interface="a.b")])
    assert "\x1b" not in text
    assert "x" * 300 in text


def test_no_color_is_honoured_on_a_terminal(event: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [event("link-down", interface="a.b")]
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in log(told, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in log(told, force_terminal=True, color_system="standard")


def test_an_ascii_log_is_ascii(story: list[Event], event: Make) -> None:
    text = log([event("run-started", title="Kabel für 電"), *story[1:]], encoding="ascii")
    assert "Kabel f?r ?" in text
    assert "process 48210 > 48213" in text


def test_expectations_that_fail_are_explained(failed_story: list[Event]) -> None:
    text = log(failed_story)
    assert "lan-to-wifi.yaml:30" in text
    assert text.splitlines()[-1].startswith(" ✘ fail: 1 of 5 expectations did not hold")
