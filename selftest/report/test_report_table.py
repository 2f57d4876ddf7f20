"""At the end everybody reads the same: what held, what did not, what was seen instead, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from swrap.events import Event
from swrap.report.glyphs import UNICODE
from swrap.report.outcome import Outcome
from swrap.report.table import expectations, verdict

Make = Callable[..., Event]


def outcome(events: Iterable[Event]) -> Outcome:
    made = Outcome()
    for event in events:
        made.apply(event)
    return made


def test_what_failed_shows_expected_seen_and_where(failed_story: list[Event]) -> None:
    lines = [line.plain for line in expectations(outcome(failed_story), None, UNICODE)]
    assert lines[0].split() == ["✘", "fail", "$stored.sha256", "equals", "$copied.sha256"]
    assert [line.split() for line in lines[1:4]] == [
        ["expected:", "9f2c51e0"],
        ["seen:", "00aa11bb"],
        ["where:", "lan-to-wifi.yaml:30"],
    ]
    assert len(lines) == 5 + 3


def test_what_held_is_one_line_each_and_aligned(story: list[Event]) -> None:
    lines = [line.plain for line in expectations(outcome(story), None, UNICODE)]
    texts = [event.data["text"] for event in story if event.kind == "expectation"]
    assert {line.index(str(text)) for line, text in zip(lines, texts, strict=True)} == {16}


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_long_texts_are_folded_and_nothing_of_them_is_lost(event: Make, width: int) -> None:
    text = "every connection after the first was handed to the process that owns the ClientGUID " + "x" * 90
    told = [event("expectation", text=text, status="fail", expected=["a"] * 20, seen=None, where="a.yaml:3")]
    lines = expectations(outcome(told), width, UNICODE)
    assert max(line.cell_len for line in lines) < width
    together = "".join("".join(line.plain.split()) for line in lines)
    assert text.replace(" ", "") in together
    assert "a.yaml:3" in together


def test_a_step_that_failed_is_in_the_table(event: Make) -> None:
    step = {"step": 3, "text": "await: channel-opened", "where": "a.yaml:20"}
    told = [
        event("step-started", **step),
        event("step-failed", 5.0, **step, error="not within 5 s", expected=1, seen=0),
    ]
    lines = [line.plain.strip() for line in expectations(outcome(told), None, UNICODE)]
    assert lines[0].endswith("step: await: channel-opened")
    assert [line.split(":")[0] for line in lines[1:]] == ["error", "expected", "seen", "where"]


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("pass", 0, "pass: 1 expectation held"),
        ("fail", 1, "fail: 1 of 1 expectation did not hold"),
        ("inconclusive", 4, "inconclusive: 1 of 1 expectation could not be decided"),
        ("skipped", 1, "fail: 1 expectation not looked at"),
    ],
)
def test_the_verdict_says_why(event: Make, status: str, code: int, words: str) -> None:
    told = [event("expectation", text="x", status=status), event("run-ended", exit_code=code)]
    assert words in verdict(outcome(told), 3.0, UNICODE).plain


def test_what_the_table_shows_is_not_told_again(event: Make) -> None:
    told = [
        event("expectation", text="x", status="fail"),
        event("run-ended", exit_code=1, reason="x: expected, seen"),
    ]
    assert "expected, seen" not in verdict(outcome(told), 1.0, UNICODE).plain
    told[-1] = event("run-ended", exit_code=3, reason="the switch died")
    assert "the switch died" in verdict(outcome(told), 1.0, UNICODE).plain


def test_a_reason_stands_beside_the_verdict(event: Make) -> None:
    made = outcome([event("run-ended", exit_code=3, reason="the switch died")])
    assert (
        verdict(made, 3.0, UNICODE).plain
        == " ✘ harness failed: nothing was expected; the switch died (3.0 s)"
    )
