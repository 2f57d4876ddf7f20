"""The picture fits every terminal, at every moment of the story, and says what matters."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from rich.console import Console

from swrap.events import Event
from swrap.report.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from swrap.report.model import Model
from swrap.report.screen import frame

Make = Callable[..., Event]
SIZES = [(80, 24), (120, 40), (60, 20), (40, 12), (200, 60), (100, 30), (20, 6), (1, 1)]


def picture(
    events: Iterable[Event],
    at: float,
    width: int = 80,
    height: int = 24,
    glyphs: Glyphs = UNICODE,
    fill: bool = True,
) -> list[str]:
    model = Model()
    for event in events:
        if event.at <= at:
            model.apply(event)
    return [line.plain for line in frame(model.state, at, width, height, glyphs, fill)]


def line_with(lines: list[str], *parts: str) -> str:
    (found,) = (line for line in lines if all(part in line for part in parts))
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_wider_or_higher_than_the_terminal(story: list[Event], width: int, height: int) -> None:
    model = Model()
    for event in story:
        model.apply(event)
        lines = frame(model.state, event.at, width, height, UNICODE)
        assert len(lines) == height
        assert max(line.cell_len for line in lines) <= width


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_rich_prints_it_line_by_line_without_folding(story: list[Event], width: int, height: int) -> None:
    model = Model()
    for event in story:
        model.apply(event)
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system="truecolor")
    for line in frame(model.state, 9.0, width, height, UNICODE):
        console.print(line)
    assert out.getvalue().count("\n") == height


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 20)])
def test_all_that_matters_is_there_at_the_usual_sizes(story: list[Event], width: int, height: int) -> None:
    lines = picture(story, 7.0, width, height)
    assert "A laptop loses its cable" in lines[0]
    assert "0:07.0" in lines[0]
    assert "✖" in line_with(lines, "server.eth0", "laptop.eth0")
    assert "unplugged 3.3 s" in line_with(lines, "server.eth0", "laptop.eth0")
    assert "◂ 30.0 Mb/s" in line_with(lines, "server.wlan0", "laptop.wlan0")
    for port, state in ((40001, "stalled"), (40002, "stalled"), (40003, "open"), (40004, "open")):
        row = line_with([line for line in lines if line.startswith(" 10.")], f":{port}", state)
        assert "48213" in row
        assert "KiB" in row
        assert "B/s" in row
    copy = line_with(lines, "laptop.put", "%")
    assert "━" in copy
    assert any("8 requests of channel 1 sent again" in line for line in lines)


def test_the_size_of_the_window_decides_how_much_is_told(story: list[Event]) -> None:
    small, large = picture(story, 7.0, 80, 16), picture(story, 7.0, 120, 50)
    assert not any("10 Gb/s" in line and "carries" in line for line in small)
    assert line_with(large, "carries 80 Mb/s")
    assert sum(":40001" in line and "reset" not in line for line in small) == 1
    assert any("handed" in line for line in large)


def test_columns_stand_still_while_their_numbers_change(story: list[Event]) -> None:
    headings = {line_with(picture(story, 4.4 + tick / 10), "un-acked") for tick in range(40)}
    assert len(headings) == 1


def test_ended_channels_give_way_to_open_ones(event: Make) -> None:
    told = []
    for number in range(30):
        ends = {"id": number, "client": f"10.0.1.2:{41000 + number}", "server": "10.0.1.1:80"}
        told.append(event("flow-opened", number / 10, **ends))
        if number != 3:
            told.append(event("flow-closed", number / 10 + 0.05, **ends, how="fin"))
    lines = picture(told, 99.0)
    assert line_with(lines, ":41003", "open")
    assert line_with(lines, ":41029", "closed")
    assert not any(":41000" in line for line in lines)


def test_a_terminal_without_utf_8_gets_plain_ascii(story: list[Event]) -> None:
    for at in (1.0, 4.2, 7.0, 99.0):
        for line in picture(story, at, glyphs=ASCII):
            line.encode("ascii")


@pytest.mark.parametrize(
    ("encoding", "glyphs"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII), ("no-such", ASCII), (None, ASCII)],
)
def test_the_signs_follow_the_encoding(encoding: str | None, glyphs: Glyphs) -> None:
    assert glyphs_for(encoding) is glyphs


def test_a_title_in_wide_characters_is_cut_by_what_it_takes(event: Make) -> None:
    lines = frame_of(event("run-started", title="電纜 " * 40), 60)
    assert all(line.cell_len <= 60 for line in lines)


def frame_of(event: Event, width: int) -> list[Any]:
    model = Model()
    model.apply(event)
    return frame(model.state, 0.0, width, 20, UNICODE)


def test_markup_in_what_is_shown_stays_text(event: Make) -> None:
    model = Model()
    model.apply(event("run-started", title="[red]x[/red] [/nothing]"))
    out = io.StringIO()
    console = Console(file=out, width=80, height=24)
    for line in frame(model.state, 0.0, 80, 24, UNICODE):
        console.print(line)
    assert "[red]x[/red] [/nothing]" in out.getvalue()


def test_three_hosts_on_one_network_hang_on_one_wire(event: Make) -> None:
    lab = {
        "hub": {"eth0": "10.0.1.1/24"},
        "one": {"eth0": "10.0.1.2/24"},
        "two": {"eth0": "10.0.1.3/24"},
        "alone": {"x": "10.9.9.9/24"},
    }
    told = [
        event("run-started", title="t", topology={"hosts": lab}),
        event("link-down", 1.0, interface="two.eth0"),
    ]
    lines = picture(told, 2.0)
    assert "┬" in line_with(lines, "hub.eth0", "one.eth0")
    assert "└" in line_with(lines, "two.eth0", "unplugged")
    assert "hub" not in line_with(lines, "two.eth0", "unplugged")
    assert line_with(lines, "alone.x")


def test_a_network_too_large_for_the_window_says_what_it_leaves_out(event: Make) -> None:
    hosts = {f"h{n}": {"eth0": f"10.0.{n}.1/24"} for n in range(40)} | {
        "r": {f"e{n}": f"10.0.{n}.2/24" for n in range(40)}
    }
    lines = picture([event("run-started", title="t", topology={"hosts": hosts})], 0.0)
    assert any("more" in line for line in lines)
    assert len(lines) == 24


def test_ipv6_addresses_are_shortened_before_a_number_is_lost(event: Make) -> None:
    ends = {"id": 1, "client": "[fd00:2:aaaa:bbbb::2]:40001", "server": "[fd00:2:aaaa:bbbb::1]:445"}
    lines = picture(
        [event("flow-opened", **ends), event("flow-sample", 1.0, **ends, server_holders=[[9, "x"]])], 1.0
    )
    row = line_with(lines, "[fd00:2:aaaa:bbbb::2]:40001", "B/s", "open")
    assert "445" not in row


def test_active_rules_are_in_the_picture(event: Make) -> None:
    assert line_with(
        picture([event("block", rule=1, between=["a", "b"])], 0.0, fill=False)[:4], "blocked: a and b"
    )
