"""The stream of events as a file: written during a run, read for a replay.

The form of a line is ``swrap.events``' own. Called through ``reporters`` and by ``replay``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from swrap.events import Event, decode, encode

from .files import Growing
from .outcome import Verdict


class BadRecord(ValueError):
    """A line that is no event; the message begins with file:line."""


def read(path: Path) -> Iterator[Event]:
    """The events of a recorded stream. Raises OSError, and BadRecord where a line is none."""
    with path.open(encoding="utf-8", errors="backslashreplace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                event = decode(line)
            except ValueError as error:
                raise BadRecord(f"{path}:{number}: {error}") from error
            yield event


class Recorder:
    """Writes every event to the file at ``path``, which is there under its name once a run is over."""

    def __init__(self, path: Path) -> None:
        self._file = Growing(path)

    def event(self, e: Event, /) -> None:
        self._file.write(encode(e) + "\n")

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._file.settle()

    def close(self) -> None:
        self._file.close()
