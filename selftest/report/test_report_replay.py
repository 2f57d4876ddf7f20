"""A recorded run is shown again as it was: the same words, in the same order, at the same pace."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from swrap.events import Event
from swrap.report import ReportError, Reporters, reporters
from swrap.report.__main__ import main
from swrap.report.picture import moment
from swrap.report.record import BadRecord, Recorder, read
from swrap.report.replay import replay

Make = Callable[..., Event]


def shown(events: list[Event]) -> str:
    out = io.StringIO()
    with reporters(False, out=out) as reporter:
        asyncio.run(replay(events, reporter, None))
    return out.getvalue()


def recorded(events: list[Event], path: Path) -> Path:
    recorder = Recorder(path)
    for event in events:
        recorder.event(event)
    recorder.finish()
    recorder.close()
    return path


def test_what_was_recorded_is_what_happened(story: list[Event], tmp_path: Path) -> None:
    assert list(read(recorded(story, tmp_path / "e.jsonl"))) == story


def test_a_replay_reads_like_the_run(story: list[Event], tmp_path: Path) -> None:
    assert shown(list(read(recorded(story, tmp_path / "e.jsonl")))) == shown(story)


class Heard:
    """A reporter that notes when it was told what."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.finished = 0

    def event(self, e: Event, /) -> None:
        self.at.append(asyncio.get_running_loop().time())

    def finish(self, verdict: object = None, /) -> None:
        self.finished += 1

    def close(self) -> None:
        """Nothing is held."""


def test_the_pace_is_that_of_the_run_and_lateness_does_not_add_up(event: Make) -> None:
    heard = Heard()
    told = [
        event("run-started", 0.0),
        *(event("link-up", n / 10) for n in range(1, 21)),
        event("run-ended", 2.0),
    ]
    asyncio.run(replay(told, heard, 10.0))
    assert heard.at[-1] - heard.at[0] >= 0.199
    assert all(at - heard.at[0] >= e.at / 10 - 1e-3 for at, e in zip(heard.at, told, strict=True))
    assert heard.finished == 1


def test_a_record_that_breaks_off_is_finished_as_such(story: list[Event]) -> None:
    assert "harness failed" in shown(story[:60]).splitlines()[-1]


def test_two_runs_in_one_record_are_two_results(story: list[Event], failed_story: list[Event]) -> None:
    text = shown([*story, *failed_story])
    assert "5 expectations held" in text
    assert "1 of 5 expectations did not hold" in text


def test_a_line_that_is_no_event_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"at": 0, "kind": "heal", "source": "run", "data": {}}\n\n{"at": "soon"}\n')
    with pytest.raises(BadRecord, match=r"e\.jsonl:3: "):
        list(read(path))
    assert main([str(path), "--plain"]) == 2
    assert f"swrap: {path}:3: " in capsys.readouterr().err


def test_a_record_that_is_not_there_is_a_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), "--plain"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_view_that_stumbles_does_not_take_the_run_with_it(story: list[Event]) -> None:
    class Stumbles(Heard):
        def event(self, e: Event, /) -> None:
            raise ZeroDivisionError("oops")

    heard = Heard()
    both = Reporters([Stumbles(), heard])
    asyncio.run(collect(both, story))
    assert len(heard.at) == len(story)


async def collect(both: Reporters, story: list[Event]) -> None:
    for event in story:
        both.event(event)
    both.finish(0)
    with pytest.raises(ReportError, match="Stumbles failed: ZeroDivisionError: oops"):
        both.close()


def test_the_picture_is_of_the_moment_that_tells_the_story(story: list[Event], tmp_path: Path) -> None:
    at = moment(story)
    assert 3.7 < at < 8.7
    target = tmp_path / "p.svg"
    assert (
        main([str(recorded(story, tmp_path / "e.jsonl")), "--picture", str(target), "--size", "100x30"]) == 0
    )
    svg = target.read_text()
    assert "unplugged" in svg.replace("&#160;", " ")
    assert svg.count("http") == 1  # the name of SVG itself
    assert "url(http" not in svg
