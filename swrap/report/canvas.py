"""Lines of styled text that keep to a width: the little that the live view needs below its parts.

Owns cutting, padding and columns, by terminal cells (a wide character takes two). Must not know what the
lines say. Called by ``wires``, ``rows`` and ``screen``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from .glyphs import Glyphs


def styled(text: str, style: str = "") -> Text:
    """A text whose style is its own: what is appended does not take it over, as it would a base style."""
    return Text.assemble((text, style))


def cut(text: Text, width: int, ellipsis: str) -> Text:
    """``text`` in ``width`` cells at most; what was cut off ends in ``ellipsis`` (one cell)."""
    if text.cell_len <= width:
        return text
    short = text.copy()
    short.truncate(max(width - 1, 0), overflow="crop")
    short.rstrip()
    return short.append(ellipsis, style="dim") if width > 0 else short


def fit(text: Text, width: int, ellipsis: str, right: bool = False) -> Text:
    """``text`` in exactly ``width`` cells, padded on its right, or on its left where ``right`` aligns it."""
    short = cut(text, width, ellipsis)
    space = " " * (width - short.cell_len)
    return Text(space).append_text(short) if right else short.copy().append(space)


def beside(left: Text, right: Text, width: int, ellipsis: str) -> Text:
    """One line with ``right`` at its right end; where both do not fit, ``left`` is cut."""
    room = width - right.cell_len - 2
    if room < 8:
        return cut(left, width, ellipsis)
    return fit(left, room, ellipsis).append("  ").append_text(right)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, a cell a row, and how readily it is given up (``keep``: higher stays longer).

    The column with the highest ``keep`` is never given up and shrinks where all else fails. ``short`` holds
    shorter cells, taken before a column with more than ``SPARE`` is given up. ``least`` is a width in cells
    that keeps the columns from moving while their numbers change.
    """

    heading: str
    cells: Sequence[Text]
    keep: int
    right: bool = False
    least: int = 0
    short: Sequence[Text] = ()

    @property
    def width(self) -> int:
        return max([self.least, cell_len(self.heading), *(cell.cell_len for cell in self.cells)])


SPARE = 3
"""Columns that are kept for less than this or just this are decoration."""


def columns(parts: Sequence[Column], width: int, ellipsis: str, gap: int = 2, most: int = 110) -> list[Text]:
    """A heading line and the rows, in ``width`` cells; columns are dropped by ``keep`` until the rest fits.

    Room that is left over goes between the columns, up to ``most`` cells in all: a row that is torn apart
    over a very wide terminal cannot be followed with the eye.
    """
    kept = [part for part in parts if part.cells and any(cell.plain for cell in part.cells)]

    def needed() -> int:
        return sum(part.width for part in kept) + gap * (len(kept) - 1)

    if not kept:
        return []
    while len(kept) > 1 and needed() > width:
        last = min(kept, key=lambda part: part.keep)
        long = [part for part in kept if part.short]
        if last.keep > SPARE and long:
            kept[kept.index(long[0])] = replace(long[0], cells=long[0].short, short=())
        else:
            kept.remove(last)
    elastic = max(kept, key=lambda part: part.keep)
    widths = {id(part): part.width for part in kept}
    widths[id(elastic)] -= max(needed() - width, 0)
    if len(kept) > 1:
        gap += min(max((min(width, most) - needed()) // (len(kept) - 1), 0), 4)
    lines = []
    for row in range(-1, len(kept[0].cells)):
        line = Text()
        for part in kept:
            cell = styled(part.heading, "dim") if row < 0 else part.cells[row]
            line.append(" " * gap if line.plain or part is not kept[0] else "")
            line.append_text(fit(cell, widths[id(part)], ellipsis, part.right))
        line.rstrip()
        lines.append(line)
    return lines


def encodable(text: Text, encoding: str, glyphs: Glyphs) -> Text:
    """``text`` with `?` for what ``encoding`` cannot say, so that a title in any script can go anywhere."""
    try:
        text.plain.encode(encoding)
    except UnicodeEncodeError:
        plain = text.plain.replace("→", glyphs.arrow).encode(encoding, "replace").decode(encoding)
        return Text(plain, style=text.style, spans=text.spans, no_wrap=text.no_wrap)
    return text
