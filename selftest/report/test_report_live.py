"""The live view draws in time, keeps to the terminal, and leaves it as it was."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Literal

import pytest
from rich.console import Console

from swrap.events import Event
from swrap.report.live import PERIOD, LiveReporter

Make = Callable[..., Event]
ENTER, LEAVE, SHOW_CURSOR, HOME = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h", "\x1b[H"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """A reporter on a terminal in memory, with a clock that stands until it is moved."""

    def __init__(
        self,
        width: int = 80,
        height: int = 24,
        speed: float = 1.0,
        colors: Literal["standard"] | None = "standard",
    ) -> None:
        self.out = io.StringIO()
        self.clock = Clock()
        self.console = Console(
            file=self.out,
            force_terminal=True,
            width=width,
            height=height,
            color_system=colors,
            _environ={"TERM": "xterm"},
        )
        self.reporter = LiveReporter(self.console, speed, self.clock)

    @property
    def frames(self) -> int:
        return self.out.getvalue().count(HOME)

    def play(self, events: list[Event]) -> None:
        for event in events:
            self.clock.now = 100.0 + event.at
            self.reporter.event(event)


def test_the_terminal_is_given_back_with_the_last_picture_and_the_result(story: list[Event]) -> None:
    terminal = Terminal()
    terminal.play(story)
    terminal.reporter.finish()
    text = terminal.out.getvalue()
    assert text.count(ENTER) == text.count(LEAVE) == 1
    assert text.rindex(SHOW_CURSOR) > text.index(ENTER)
    left = text.partition(LEAVE)[2]
    assert "A laptop loses its cable" in left
    assert "100 %" in left
    assert left.index("laptop.put") < left.index("$stored.sha256") < left.index("5 expectations held")


def test_it_draws_at_most_ten_times_a_second(story: list[Event]) -> None:
    terminal = Terminal()
    terminal.play(story)
    assert 20 < terminal.frames <= story[-1].at / PERIOD + 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_picture_that_stays_is_not_wider_than_the_terminal(story: list[Event], width: int) -> None:
    terminal = Terminal(width, colors=None)
    terminal.play(story)
    terminal.reporter.finish()
    left = terminal.out.getvalue().partition(LEAVE)[2].replace(SHOW_CURSOR, "")
    assert max(map(len, left.splitlines())) <= width


def test_a_resize_is_followed(story: list[Event]) -> None:
    terminal = Terminal(120, 40)
    terminal.play(story[:60])
    wide = terminal.out.getvalue()
    terminal.console.size = type(terminal.console.size)(60, 20)
    terminal.out.truncate(0)
    terminal.out.seek(0)
    terminal.play(story[60:120])
    assert "─" * 118 in wide
    assert "─" * 58 in terminal.out.getvalue()
    assert "─" * 59 not in terminal.out.getvalue()


def test_the_clock_goes_on_between_events(event: Make) -> None:
    async def run() -> str:
        terminal = Terminal()
        terminal.reporter.event(event("run-started", title="quiet"))
        drawn = asyncio.Event()
        write = terminal.out.write

        def watch(text: str) -> int:
            if "0:07.5" in text:
                drawn.set()
            return write(text)

        terminal.out.write = watch  # type: ignore[method-assign]
        terminal.clock.now += 7.5
        await asyncio.wait_for(drawn.wait(), 10)
        terminal.reporter.close()
        return terminal.out.getvalue()

    assert asyncio.run(run()).endswith(LEAVE)


def test_a_faster_replay_has_a_faster_clock(event: Make) -> None:
    terminal = Terminal(speed=4.0)
    terminal.reporter.event(event("run-started", 0.0, title="x"))
    terminal.clock.now += 2.0
    assert terminal.reporter.now() == pytest.approx(8.0)
    terminal.reporter.close()


def test_closing_in_the_middle_leaves_a_sane_terminal_and_again_is_harmless(story: list[Event]) -> None:
    terminal = Terminal()
    terminal.play(story[:40])
    terminal.reporter.close()
    text = terminal.out.getvalue()
    assert text.index(ENTER) < text.index(LEAVE)
    terminal.reporter.close()
    assert terminal.out.getvalue() == text


def test_no_thread_draws(story: list[Event]) -> None:
    before = threading.active_count()
    terminal = Terminal()
    terminal.play(story[:40])
    assert threading.active_count() == before
    terminal.reporter.close()


def test_two_runs_of_one_stream_follow_each_other(story: list[Event]) -> None:
    terminal = Terminal()
    for _ in range(2):
        terminal.play(story)
        terminal.reporter.finish()
    text = terminal.out.getvalue()
    assert text.count(ENTER) == text.count(LEAVE) == 2
    assert text.count("5 expectations held") == 2
