"""The result of a run as one JSON object on one line, for programs.

Owns the shape of that object. Called through ``reporters``; a stream of several runs gives a line each.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TextIO

from swrap.events import Event

from .model import Model
from .outcome import Verdict
from .state import State
from .streams import abandon


def result(state: State) -> dict[str, Any]:
    """What came out of the run. Times in s since its start, bytes as counted by the samples."""
    outcome = state.outcome
    counted = state.counted
    return {
        "verdict": outcome.verdict,
        "exit_code": outcome.exit_code,
        "reason": outcome.reason,
        "title": state.title,
        "file": state.file,
        "seconds": round(state.at, 6),
        "expectations": [asdict(expectation) for expectation in outcome.expectations],
        "gaps": [asdict(gap) for gap in outcome.gaps],
        "steps": [asdict(step) for step in outcome.steps.values()],
        "counters": {
            "events": dict(sorted(counted.items())),
            "flows": {
                "opened": counted["flow-opened"],
                "refused": counted["flow-refused"],
                "closed": counted["flow-closed"],
            },
            "interfaces": {
                name: {"sent": sums[0], "received": sums[1]} for name, sums in sorted(state.carried.items())
            },
        },
    }


class JsonReporter:
    """Writes to ``out`` when a run is over, and nothing before."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._model = Model()

    def event(self, e: Event, /) -> None:
        self._model.apply(e)

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._model.finish(verdict)
        # ASCII only: whatever the encoding of the stream is, what comes out is the same JSON.
        try:
            self._out.write(json.dumps(result(self._model.state), default=str) + "\n")
            self._out.flush()
        except BrokenPipeError:
            abandon(self._out)

    def close(self) -> None:
        """Nothing is held."""
