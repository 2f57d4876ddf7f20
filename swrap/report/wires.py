"""The picture of the network: for each segment its ports, the wire between them, and what flows there.

Owns how a link looks. Must not know the terminal; takes a width and gives lines. Called by ``screen``.

A segment of two ports is one wire; a segment of more is a tree with the first port at its left::

    server.eth0 ●━━━━━━━━━━━━━━━ ◂ 76.2 Mb/s ━━━━━━━━━━━━━━━● laptop.eth0
    10.0.1.1 · 10 Gb/s        carries 80 Mb/s         10.0.1.2 · 10 Gb/s
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from . import units
from .canvas import beside, cut, fit, styled
from .glyphs import Glyphs
from .network import Port, Segment
from .state import State

_WIDEST = 120
"""Cells: a wire from one edge of a very wide terminal to the other joins nothing for the eye."""

_UP, _DOWN, _IDLE, _BUSY = "green", "bold red", "green", "bold green"


@dataclass(frozen=True, slots=True)
class _Frame:
    """The widths that all wires of one picture share, so that they stand in line."""

    width: int
    left: int
    right: int
    glyphs: Glyphs

    @property
    def wire(self) -> int:
        return max(self.width - self.left - self.right - 4, 0)


def wires(state: State, now: float, width: int, glyphs: Glyphs, details: bool) -> list[Text]:
    """The picture in ``width`` cells; ``details`` adds a line with addresses and speeds under each wire."""
    segments = state.network.segments()
    rates = state.port_rates(now)
    width = min(width, _WIDEST)
    # A wire needs room for its label; on a narrow terminal the ports' names give it up.
    most = max((width - 22) // 2, 6)
    frame = _Frame(
        width,
        min(max((len(segment.left.name) for segment in segments), default=0), most),
        min(max((len(port.name) for segment in segments for port in segment.right), default=0), most),
        glyphs,
    )
    lines = []
    for segment in segments:
        lines += _segment(segment, rates, now, frame, details)
    return [cut(line, width, glyphs.ellipsis) for line in lines]


def _name(port: Port) -> Text:
    return styled(port.name, "" if port.up else "red")


def _about(port: Port, glyphs: Glyphs) -> Text:
    """Its first address, how many more there are, and the speed that it reports."""
    parts = [str(port.addresses[0].ip)] if port.addresses else []
    if len(port.addresses) > 1:
        parts[0] += f" +{len(port.addresses) - 1}"
    if port.speed is not None:
        parts.append(units.bit_rate(port.speed))
    return styled(f" {glyphs.dot} ".join(parts), "dim")


def _segment(
    segment: Segment, rates: dict[str, tuple[float, float]], now: float, frame: _Frame, details: bool
) -> list[Text]:
    glyphs, left = frame.glyphs, segment.left
    head = fit(_name(left), frame.left, glyphs.ellipsis).append_text(_plug(left, glyphs, before=True))
    if not segment.right:
        lines = [head.append(glyphs.wire * 2, style="dim")]
        return [*lines, _about(left, glyphs)] if details else lines
    lines = []
    for index, port in enumerate(segment.right):
        if index:
            head = Text(" " * (frame.left + 2))
        branch = _branch(index, index == len(segment.right) - 1, glyphs)
        line = head.append_text(_wire(left, port, rates, now, frame, branch))
        line.append_text(_plug(port, glyphs, before=False))
        lines.append(line.append_text(fit(_name(port), frame.right, glyphs.ellipsis, right=True)))
        if details:
            lines.append(_beneath(left if index == 0 else None, port, left, frame))
    return lines


def _beneath(shown: Port | None, right: Port, left: Port, frame: _Frame) -> Text:
    """The line under a wire: what its two ends are, and in the middle what it carries."""
    glyphs = frame.glyphs
    ends = (_about(shown, glyphs) if shown else Text(), _about(right, glyphs))
    carries = min((port.rate for port in (left, right) if port.rate is not None), default=None)
    note = styled("" if carries is None else f"carries {units.bit_rate(carries)}", "dim")
    middle = frame.left + 2 + (frame.wire - note.cell_len) // 2
    if ends[0].cell_len + 2 > middle or middle + note.cell_len + 2 > frame.width - ends[1].cell_len:
        return beside(ends[0], ends[1], frame.width, glyphs.ellipsis)
    line = fit(ends[0], middle, glyphs.ellipsis).append_text(note)
    return line.append_text(fit(ends[1], frame.width - line.cell_len, glyphs.ellipsis, right=True))


def _branch(index: int, last: bool, glyphs: Glyphs) -> str:
    """How the wire to the ``index``-th port begins."""
    if index == 0:
        return "" if last else glyphs.down_tee
    return glyphs.corner if last else glyphs.tee


def _plug(port: Port, glyphs: Glyphs, before: bool) -> Text:
    sign = styled(glyphs.up, _UP) if port.up else styled(glyphs.down, _DOWN)
    return Text(" ").append_text(sign) if before else sign.append(" ")


def _wire(
    left: Port, right: Port, rates: dict[str, tuple[float, float]], now: float, frame: _Frame, branch: str
) -> Text:
    """The wire itself with its label: what flows, or for how long the cable has been out."""
    glyphs = frame.glyphs
    out = [port for port in (left, right) if not port.up]
    sent, received = rates.get(right.name, (0.0, 0.0))
    if out:
        gone = max(now - max(port.since for port in out), 0.0)
        label = styled(f" unplugged {gone:.1f} s ", "red")
        if label.cell_len > frame.wire - 4:
            label = styled(" unplugged ", "red")
        sign, style = glyphs.cut, "red"
    elif sent or received:
        label, sign, style = _traffic(sent * 8, received * 8, glyphs), glyphs.busy, _BUSY
    else:
        label, sign, style = Text(), glyphs.wire, _IDLE
    line = _middle(label, frame.wire, glyphs, sign, style)
    if branch and line.plain:
        line = styled(branch, style).append_text(line[1:])
    return line


def _traffic(leftward: float, rightward: float, glyphs: Glyphs) -> Text:
    """Bits per second in each direction; an answer that is small beside what it answers is left out."""
    there = f"{glyphs.leftward} {units.bit_rate(leftward, steady=True)}"
    back = f"{units.bit_rate(rightward, steady=True)} {glyphs.rightward}"
    if leftward < rightward / 10:
        text = back
    elif rightward < leftward / 10:
        text = there
    else:
        text = f"{there}  {back}"
    return styled(f" {text} ", "cyan")


def _middle(label: Text, width: int, glyphs: Glyphs, sign: str = " ", style: str = "") -> Text:
    """``label`` in the middle of ``width`` cells of ``sign``."""
    label = cut(label, width, glyphs.ellipsis)
    before = (width - label.cell_len) // 2
    after = width - label.cell_len - before
    return styled(sign * before, style).append_text(label).append(sign * after, style=style)
