"""The run as a picture over time (SVG): links as bars, channels with their throughput, events as marks.

Owns the drawing. Every text that comes from a run is escaped here. Called by ``html``; the colours are
classes of the page's style sheet.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from html import escape

from . import units
from .history import History, Track
from .network import Port
from .sentences import Tone
from .state import State

_LEFT, _RIGHT, _WIDTH = 280, 90, 1100
_BAR, _TRACK, _HEAD = 24, 44, 46
_BINS = 240
_TRACKS = 40

_CLASSES = {Tone.GOOD: "good", Tone.WARN: "warn", Tone.BAD: "bad", Tone.PLAIN: "plain"}


def timeline(state: State, history: History) -> str:
    """An ``svg`` element, to be placed in a page."""
    end = max(state.at, 0.001)
    tracks = list(history.tracks.values())
    ports = list(state.network.ports.values())
    shown = tracks[:_TRACKS]
    height = _HEAD + len(ports) * _BAR + 12 + len(shown) * _TRACK + 30
    parts = list(_axis(end, height))
    y = _HEAD
    for port in ports:
        parts += _port(port, y, end)
        y += _BAR
    y += 12
    rates = [track.rates(end, _BINS) for track in shown]
    peak = max((rate for each in rates for rate in each), default=0.0)
    for track, each in zip(shown, rates, strict=True):
        parts += _track(track, each, y, end, peak)
        y += _TRACK
    parts += _marks(history, end, height)
    more = len(tracks) - len(shown) + history.untracked
    if more:
        parts.append(_text(0, y + 14, f"and {units.count(more, 'more channel')}", "dim"))
    return (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="timeline of the run">'
        + "\n".join(parts)
        + "</svg>"
    )


def _x(at: float, end: float) -> float:
    return round(_LEFT + min(max(at / end, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'


def _axis(end: float, height: int) -> Iterator[str]:
    step = next((unit for unit in _units() if end / unit <= 12), end)
    for number in range(int(end / step) + 1):
        x = _x(number * step, end)
        yield f'<line x1="{x}" x2="{x}" y1="{_HEAD - 6}" y2="{height - 20}" class="grid"/>'
        yield _text(x, height - 6, f"{number * step:g} s", "dim", "middle")


def _units() -> Iterator[float]:
    for power in range(-3, 6):
        for digit in (1, 2, 5):
            yield digit * 10.0**power


def _port(port: Port, y: int, end: float) -> Iterator[str]:
    speed = "" if port.speed is None else units.bit_rate(port.speed)
    yield _text(0, y + 15, port.name)
    yield _text(_LEFT - 10, y + 15, speed, "dim", "end")
    turns = [(0.0, not port.history[0][1] if port.history else port.up), *port.history, (end, port.up)]
    for (start, up), (stop, _) in itertools.pairwise(turns):
        state = "up" if up else "down"
        span = f"{port.name} {state} {start:.2f} s to {stop:.2f} s"
        yield (
            f'<rect x="{_x(start, end)}" y="{y + 4}" width="{max(_x(stop, end) - _x(start, end), 1):.1f}"'
            f' height="14" rx="3" class="{state}"><title>{escape(span)}</title></rect>'
        )


def _track(track: Track, rates: list[float], y: int, end: float, peak: float) -> Iterator[str]:
    base, room = y + _TRACK - 8, _TRACK - 14
    stop = end if track.closed is None else track.closed
    yield _text(0, y + 16, track.label)
    yield _text(0, y + 32, f"{track.owner} · {track.how}" if track.owner else track.how, "dim")
    yield f'<line x1="{_x(track.opened, end)}" x2="{_x(stop, end)}" y1="{base}" y2="{base}" class="life"/>'
    if peak > 0 and any(rates):
        width = end / _BINS
        points = [f"{_x(0, end)},{base}"]
        for number, rate in enumerate(rates):
            level = round(base - rate / peak * room, 1)
            points += [f"{_x(number * width, end)},{level}", f"{_x((number + 1) * width, end)},{level}"]
        points.append(f"{_x(end, end)},{base}")
        top = units.byte_rate(max(rates))
        title = f"<title>{escape(track.label)}, at most {top}</title>"
        yield f'<polygon points="{" ".join(points)}" class="flow">{title}</polygon>'
        yield _text(_WIDTH, base - 2, top, "dim", "end")


def _marks(history: History, end: float, height: int) -> Iterator[str]:
    for mark in history.marks:
        style = _CLASSES.get(mark.tone)
        if style is None:
            continue
        x = _x(mark.at, end)
        title = f"<title>{mark.at:.2f} s, {escape(mark.source)}: {escape(mark.text)}</title>"
        if mark.tone is Tone.BAD:
            yield f'<line x1="{x}" x2="{x}" y1="{_HEAD - 12}" y2="{height - 20}" class="fault">{title}</line>'
        yield f'<circle cx="{x}" cy="{_HEAD - 18}" r="4" class="mark {style}">{title}</circle>'
