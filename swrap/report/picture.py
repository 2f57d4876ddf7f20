"""The live view of a recorded run at one moment, as an SVG for the README.

Owns the choice of the moment and the look of the SVG. Nothing in the file is loaded from elsewhere. Called
by ``python -m swrap.report --picture``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from swrap.events import Event

from .files import write
from .glyphs import UNICODE
from .model import Model
from .screen import frame


def _rgb(*colours: int) -> list[tuple[int, int, int]]:
    return [(colour >> 16, colour >> 8 & 255, colour & 255) for colour in colours]


_THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    _rgb(0x484F58, 0xFF7B72, 0x3FB950, 0xD29922, 0x58A6FF, 0xBC8CFF, 0x39C5CF, 0xB1BAC4),
    _rgb(0x6E7681, 0xFFA198, 0x56D364, 0xE3B341, 0x79C0FF, 0xD2A8FF, 0x56D4DD, 0xF0F6FC),
)

_FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
"""rich's own form names a font of a CDN; this one takes the reader's monospace font."""


def moment(events: Sequence[Event]) -> float:
    """The most telling moment (s): when traffic has found its way round the first link that went down."""
    down = next((event.at for event in events if event.kind == "link-down"), None)
    end = max((event.at for event in events), default=0.0)
    if down is None:
        return end / 2
    up = next((event.at for event in events if event.kind == "link-up" and event.at > down), end)
    return down + (up - down) * 0.6


def picture(events: Sequence[Event], path: Path, at: float | None, width: int, height: int) -> None:
    """Write the live view at ``at`` (s; None: ``moment``), ``width`` by ``height`` characters.

    Raises ReportError.
    """
    at = moment(events) if at is None else at
    model = Model()
    for event in events:
        if event.at <= at:
            model.apply(event)
    console = Console(
        record=True,
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    for line in frame(model.state, at, width, height, UNICODE):
        console.print(line, no_wrap=True, crop=True)
    svg = console.export_svg(title="", theme=_THEME, code_format=_FORMAT, unique_id="swrap")
    write(path, _TEXT.sub(_placed, svg))


_TEXT = re.compile(
    r'<text (class="[^"]*") x="([\d.]+)" (y="[^"]*") textLength="([\d.]+)"([^>]*)>([^<]*)</text>'
)
_WORDS = re.compile("[^\xa0]+(?:\xa0[^\xa0]+)*")


def _placed(match: re.Match[str]) -> str:
    """A run of text in pieces, each at its own place.

    rich fills the space between columns with blanks, which come out right only where the reader's font is as
    wide as its own and a renderer neither trims nor folds them.
    """
    style, x, y, length, rest, escaped = match.groups()
    text = unescape(escaped)
    cell = float(length) / max(cell_len(text), 1)
    pieces = []
    for word in _WORDS.finditer(text):
        place = float(x) + cell_len(text[: word.start()]) * cell
        size = cell_len(word[0]) * cell
        shown = escape(word[0], quote=False).replace("\xa0", "&#160;")
        pieces.append(f'<text {style} x="{place:.1f}" {y} textLength="{size:.1f}"{rest}>{shown}</text>')
    return "".join(pieces)
