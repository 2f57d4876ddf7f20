"""The expectations at the end of a run, and the verdict in a line.

Owns the table in its two forms, both of the same lines: aligned, a line an expectation, and below one that
does not hold what was expected, what was seen and where it stands (file:line). Must not know the run.
Called by ``live`` and ``plain`` after the last event.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from . import units
from .canvas import encodable, styled
from .glyphs import Glyphs
from .outcome import FAILING, Expectation, Outcome, Step
from .sentences import shown

_STYLES = {"pass": "green", "fail": "bold red", "skipped": "dim", "inconclusive": "bold yellow"}


def expectations(outcome: Outcome, width: int | None, glyphs: Glyphs) -> list[Text]:
    """The table in lines of ``width`` cells (None: as long as they are, for a log).

    Long texts are folded and not cut: what failed must be readable whole.
    """
    signs = {
        "pass": glyphs.passed,
        "fail": glyphs.failed,
        "skipped": glyphs.skipped,
        "inconclusive": glyphs.unsure,
    }
    lines: list[Text] = []
    for step in outcome.failed_steps():
        lines += _row(signs[step.status], step.status, f"step: {step.text}", width)
        lines += _detail("error", step.error, width, "red") + _details(step, width)
    for expectation in outcome.expectations:
        status = expectation.status
        lines += _row(signs.get(status, glyphs.unsure), status, expectation.text, width)
        if status in FAILING:
            lines += _details(expectation, width)
    return lines


def gaps(outcome: Outcome, width: int | None) -> list[Text]:
    """What is not emulated, and who asked for it; nothing where nobody did."""
    lines = [styled(" not emulated:", "yellow")] if outcome.gaps else []
    for gap in outcome.gaps:
        lines += _folded(Text(" " * 3), Text(gap.text), width)
    return lines


def _value(value: Any) -> str:
    return "" if value is None else shown(value)


def _row(sign: str, status: str, text: str, width: int | None) -> list[Text]:
    head = styled(f" {sign} {status:<13}", _STYLES.get(status, "yellow"))
    return _folded(head, Text(text), width)


def _details(what: Step | Expectation, width: int | None) -> list[Text]:
    return [
        *_detail("expected", _value(what.expected), width, "green"),
        *_detail("seen", _value(what.seen), width, "red"),
        *_detail("where", what.where, width, ""),
    ]


def _detail(name: str, text: str, width: int | None, style: str) -> list[Text]:
    if not text:
        return []
    return _folded(styled(f"{'':16}{name + ':':<10}", "dim"), styled(text, style), width)


def _folded(head: Text, body: Text, width: int | None) -> list[Text]:
    """``body`` beside ``head``, over as many lines as it takes."""
    room = max((width or 0) - head.cell_len - 1, 0)
    if width is None or body.cell_len <= room:
        return [head.append_text(body)]
    if room < 16:
        return [line for part in (head, body) for line in _pieces(part, max(width - 1, 1))]
    first, *rest = _pieces(body, room)
    indent = " " * head.cell_len
    return [head.append_text(first), *(Text(indent).append_text(piece) for piece in rest)]


def _pieces(text: Text, width: int) -> list[Text]:
    """``text`` in pieces of ``width`` cells at most, broken at blanks where there are any."""
    pieces = []
    while text.cell_len > width:
        head = text.copy()
        head.truncate(width, overflow="crop")
        at = len(head.plain)
        blank = head.plain.rfind(" ")
        at = blank if blank > at // 2 else max(at, 1)
        first, text = text.divide([at])
        pieces.append(first)
        text = text[len(text.plain) - len(text.plain.lstrip()) :]
    return [*pieces, text]


def verdict(outcome: Outcome, seconds: float, glyphs: Glyphs) -> Text:
    """The last line: `✔ pass: 5 expectations held (12.3 s)`."""
    word = outcome.verdict
    sign, style = {
        "pass": (glyphs.passed, "bold green"),
        "inconclusive": (glyphs.unsure, "bold yellow"),
    }.get(word, (glyphs.failed, "bold red"))
    text = styled(f" {sign} {word}", style).append(outcome.summary().removeprefix(word))
    return text.append(f" ({units.duration(seconds)})", style="dim")


def print_result(
    outcome: Outcome, seconds: float, console: Console, glyphs: Glyphs, width: int | None
) -> None:
    """Table, gaps and verdict, with an empty line before each."""
    lines = expectations(outcome, width, glyphs)
    last = Text()
    last.append_text(verdict(outcome, seconds, glyphs))
    wanting = gaps(outcome, width)
    parts = [lines, wanting, _folded(Text(), last, width)]
    for line in [line for part in parts if part for line in (Text(), *part)]:
        console.print(encodable(line, console.encoding, glyphs), soft_wrap=True)
