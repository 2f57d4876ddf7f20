"""The stream of events as JSON lines: written during a run, read for a replay.

Owns that format: one object a line with ``at``, ``kind``, ``source``, ``data``. Called through
``reporters`` and by ``replay``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from swrap.events import Event

from .files import Growing
from .outcome import Verdict


def line(e: Event) -> str:
    """An event as one line of JSON, in ASCII, with its line end."""
    return (
        json.dumps({"at": e.at, "kind": e.kind, "source": e.source, "data": dict(e.data)}, default=str) + "\n"
    )


class BadRecord(ValueError):
    """A line that is no event; the message begins with file:line."""


def read(path: Path) -> Iterator[Event]:
    """The events of a recorded stream. Raises OSError, and BadRecord where a line is none."""
    with path.open(encoding="utf-8", errors="backslashreplace") as lines:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                value = json.loads(text)
                event = Event(
                    float(value["at"]), str(value["kind"]), str(value["source"]), dict(value["data"])
                )
            except (ValueError, KeyError, TypeError) as error:
                raise BadRecord(f"{path}:{number}: not an event: {type(error).__name__}: {error}") from error
            yield event


class Recorder:
    """Writes every event to the file at ``path``, which is there under its name once a run is over."""

    def __init__(self, path: Path) -> None:
        self._file = Growing(path)

    def event(self, e: Event, /) -> None:
        self._file.write(line(e))

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._file.settle()

    def close(self) -> None:
        self._file.close()
