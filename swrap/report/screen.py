"""The whole live picture as lines for a terminal of a given size.

Owns what is shown where and what gives way when there is little room. Pure: state in, lines out. Called by
``live``, by the picture for the README and by their tests.

From above: title and clock, the network, channels, copies, and in the rest the latest events. Events take
what is left; details of the links go first, then rows of ended channels.
"""

from __future__ import annotations

from rich.text import Text

from . import units
from .canvas import beside, cut, styled
from .glyphs import Glyphs
from .rows import channel_rows, chosen, copy_row, event_rows, worth_showing
from .state import State
from .wires import wires

MARGIN = 1
"""Cells kept free at both sides."""

_LEAST_EVENTS = 4
_MOST_COPIES = 4


def frame(state: State, now: float, width: int, height: int, glyphs: Glyphs, fill: bool = True) -> list[Text]:
    """The picture in ``width`` by ``height`` cells at most; ``fill`` pads it to exactly ``height`` lines."""
    inner = max(width - 2 * MARGIN, 1)
    lines = _title(state, now, inner, glyphs)
    copies = list(state.copies.values())[-_MOST_COPIES:]
    open_channels = sum(channel.open for channel in state.channels.values())
    room = height - len(lines) - _section(len(copies)) - (_LEAST_EVENTS + 1)

    network = wires(state, now, inner, glyphs, details=True)
    if len(network) + _section(open_channels, 1) > room:
        network = wires(state, now, inner, glyphs, details=False)
    network += [
        cut(styled(f"{glyphs.down} {text}", "yellow"), inner, glyphs.ellipsis)
        for text in state.rules.values()
    ]
    if len(network) > max(room, 1):
        dropped = len(network) - max(room, 1) + 1
        network = [
            *network[: max(room, 1) - 1],
            styled(f"{glyphs.ellipsis} and {units.count(dropped, 'line')} more", "dim"),
        ]
    lines += network

    shown = chosen(state, max(room - len(network) - 2, 0))
    if shown:
        lines += [Text(), *channel_rows(state, shown, now, inner, glyphs)]
    if copies:
        lines += [Text(), *(copy_row(copy, state, now, inner, glyphs) for copy in copies)]
    news = worth_showing(state.lines, height - len(lines) - 1)
    if news:
        lines += [Text(), *event_rows(news, inner, glyphs)]
    if fill:
        lines += [Text()] * (height - len(lines))
    return [_indented(line, width, glyphs) for line in lines[:height]]


def _section(rows: int, heading: int = 0) -> int:
    """Lines that a section of so many rows takes, with the empty one above it."""
    return rows + heading + 1 if rows else 0


def _title(state: State, now: float, width: int, glyphs: Glyphs) -> list[Text]:
    verdict = state.outcome.verdict
    right = styled(units.clock(state.at if state.ended else now), "bold" if not state.ended else "")
    if state.ended:
        passed = verdict == "pass"
        sign = glyphs.passed if passed else glyphs.failed
        right = styled(f"{sign} {verdict}  ", "bold green" if passed else "bold red").append_text(right)
    left = styled(state.title or "a run", "bold")
    return [beside(left, right, width, glyphs.ellipsis), styled(glyphs.rule * width, "dim")]


def _indented(line: Text, width: int, glyphs: Glyphs) -> Text:
    if not line.plain:
        return line
    indented = Text(" " * MARGIN).append_text(line)
    indented.no_wrap = True
    return cut(indented, width, glyphs.ellipsis)
