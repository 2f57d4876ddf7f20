"""The reporters that a command line asks for, as one.

Owns the choice between live view and plain lines, and which stream each writes to. Called by ``swrap run``,
``swrap demo`` and the replay.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from .html import HtmlReporter
from .junit import JunitReporter
from .live import LiveReporter
from .plain import PlainReporter
from .record import Recorder
from .reporter import Reporter, Reporters
from .results import JsonReporter
from .streams import Screen


def can_live(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that a picture can be drawn on."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def reporters(
    terminal: bool | None = None,
    json: bool = False,
    events: Path | None = None,
    junit: Path | None = None,
    html: Path | None = None,
    *,
    speed: float = 1.0,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> Reporters:
    """The reporters for one command, as one that must be closed (``with``).

    ``terminal``: draw the live view, where the terminal can (None: likewise); False: plain lines. With
    ``json``, ``out`` is for the result alone and what a person reads goes to ``err``. Raises ReportError for
    a file that cannot be written, before anything has begun.
    """
    out, err = out or sys.stdout, err or sys.stderr
    screen = err if json else out
    live = can_live(screen) if terminal is None else terminal and can_live(screen)
    console = Screen(screen)
    members: list[Reporter] = [LiveReporter(console, speed) if live else PlainReporter(console)]
    if json:
        members.append(JsonReporter(out))
    if junit is not None:
        members.append(JunitReporter(junit))
    if html is not None:
        members.append(HtmlReporter(html))
    if events is not None:
        members.append(Recorder(events))
    return Reporters(members, (out, err))
