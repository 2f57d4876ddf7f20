"""A run as one HTML file that needs nothing else: result, timeline, events.

Owns the page. No script, nothing loaded from anywhere; every text of the run is escaped. Called through
``reporters``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from swrap.events import Event

from . import units
from .files import check, write
from .history import History
from .model import Model
from .outcome import FAILING, Expectation, Outcome, Step, Verdict
from .sentences import Sentence, sentence, shown
from .state import State
from .timeline import timeline

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --dim: #6a737d; --ground: #fff; --line: #d8dee4;
  --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; --plain: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --dim: #8b949e; --ground: #0d1117; --line: #30363d;
    --good: #3fb950; --bad: #f85149; --warn: #d29922; --plain: #58a6ff; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
section + section { margin-top: 4rem; }
.verdict { font-weight: 600; }
.dim, .quiet { color: var(--dim); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
table { border-collapse: collapse; width: 100%; }
td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere;
  border-bottom: 1px solid var(--line); }
td.at { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: right; }
td.fixed { white-space: nowrap; }
svg.timeline { width: 100%; height: auto; }
svg text { font: 12px ui-monospace, monospace; fill: var(--ink); }
svg text.dim { fill: var(--dim); }
.grid { stroke: var(--line); }
.life { stroke: var(--dim); }
.up { fill: var(--good); opacity: .75; }
.down { fill: var(--bad); }
.flow { fill: var(--plain); opacity: .6; }
.fault { stroke: var(--bad); stroke-dasharray: 3 3; }
circle.good { fill: var(--good); }
circle.bad { fill: var(--bad); }
circle.warn { fill: var(--warn); }
circle.plain { fill: var(--plain); }
"""

_VERDICTS = {"pass": "good", "inconclusive": "warn"}
_STATUS = {"pass": "good", "fail": "bad", "inconclusive": "warn", "skipped": "dim"}


def section(state: State, history: History) -> str:
    """A finished run as a ``section`` of the page."""
    outcome = state.outcome
    colour = _VERDICTS.get(outcome.verdict, "bad")
    return "\n".join(
        [
            "<section>",
            f"<h1>{escape(state.title or 'a run')}</h1>",
            f'<p><span class="verdict {colour}">{escape(outcome.summary())}</span>'
            f' <span class="dim">in {units.duration(state.at)} · {escape(state.file)}</span></p>',
            *_expectations(outcome),
            *_gaps(outcome),
            "<h2>Timeline</h2>",
            timeline(state, history),
            "<h2>Events</h2>",
            *_events(history.marks, history.dropped),
            "</section>",
        ]
    )


def _expectations(outcome: Outcome) -> Iterator[str]:
    failed = outcome.failed_steps()
    if not failed and not outcome.expectations:
        return
    yield "<h2>Expectations</h2>\n<table>"
    for step in failed:
        told = [("error", step.error or None), *_details(step)]
        yield _row(_STATUS.get(step.status, "bad"), step.status, f"step: {step.text}", told)
    for expectation in outcome.expectations:
        told = _details(expectation) if expectation.status in FAILING else []
        yield _row(_STATUS.get(expectation.status, "warn"), expectation.status, expectation.text, told)
    yield "</table>"


def _gaps(outcome: Outcome) -> Iterator[str]:
    if not outcome.gaps:
        return
    yield "<h2>Not emulated</h2>\n<table>"
    for gap in outcome.gaps:
        yield f'<tr><td class="warn">{escape(gap.text)}</td></tr>'
    yield "</table>"


def _details(what: Step | Expectation) -> list[tuple[str, object]]:
    return [("expected", what.expected), ("seen", what.seen), ("where", what.where or None)]


def _row(style: str, status: str, text: str, details: Sequence[tuple[str, object]]) -> str:
    more = "".join(
        f'<br><span class="dim">{name}:</span> {escape(shown(value))}'
        for name, value in details
        if value is not None
    )
    return f'<tr><td class="fixed {style}">{escape(status)}</td><td>{escape(text)}{more}</td></tr>'


def _events(marks: Sequence[Sentence], dropped: int) -> Iterator[str]:
    yield "<table>"
    for mark in marks:
        yield (
            f'<tr><td class="at dim">{units.moment(mark.at)}</td>'
            f'<td class="fixed dim">{escape(mark.source)}</td>'
            f'<td class="{mark.tone.value}">{escape(mark.text)}</td></tr>'
        )
    yield "</table>"
    if dropped:
        yield f'<p class="dim">and {units.count(dropped, "event")} more</p>'


def page(sections: Sequence[str], title: str) -> str:
    """The whole file."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


class HtmlReporter:
    """Keeps the file at ``path`` up to date: after each run it holds all runs so far."""

    def __init__(self, path: Path) -> None:
        check(path)
        self._path = path
        self._model = Model()
        self._history = History()
        self._sections: list[str] = []

    def event(self, e: Event, /) -> None:
        if e.kind == "run-started":
            self._history = History()
        self._model.apply(e)
        self._history.apply(e, self._model.state, sentence(e))

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._model.finish(verdict)
        self._sections.append(section(self._model.state, self._history))
        write(self._path, page(self._sections, self._model.state.title or "a run"))

    def close(self) -> None:
        """Nothing is held."""
