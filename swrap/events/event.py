"""One thing that happened.

Owns the value, and its form as a JSON line: ``{"at": 1.25, "kind": "link-down", "source": "network",
"data": {…}}``. Must not know who makes events or who shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from swrap.document import JSON


@dataclass(frozen=True, slots=True)
class Event:
    """``at``: seconds since the run's start. ``source``: ``run``, ``network``, or an actor's name."""

    at: float
    kind: str
    source: str
    data: Mapping[str, JSON] = field(default_factory=dict)


def encode(event: Event) -> str:
    """One line of JSON, without its line end; times are told to the microsecond."""
    shape = {"at": round(event.at, 6), "kind": event.kind, "source": event.source, "data": dict(event.data)}
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))


def decode(line: str) -> Event:
    """The event of one line. Raises ValueError with what is wrong with it."""
    try:
        shape = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a line of JSON: {error}") from error
    if not isinstance(shape, dict):
        raise ValueError("an event is an object")
    at, kind, source, data = (shape.get(key) for key in ("at", "kind", "source", "data"))
    if not isinstance(at, int | float) or isinstance(at, bool):
        raise ValueError(f"an event's `at` is a number of seconds, not {at!r}")
    if not isinstance(kind, str) or not isinstance(source, str):
        raise ValueError(f"an event has a `kind` and a `source`, not {kind!r} and {source!r}")
    if not isinstance(data, dict):
        raise ValueError(f"an event's `data` is an object, not {data!r}")
    return Event(float(at), kind, source, data)


def read_lines(stream: IO[str]) -> Iterator[Event]:
    """The events of a file of lines, as they come. Raises ValueError, which names the line."""
    for number, line in enumerate(stream, 1):
        if line.strip():
            try:
                yield decode(line)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
