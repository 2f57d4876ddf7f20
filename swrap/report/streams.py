"""The streams that reports are printed to, and readers that leave.

Owns what happens when the other end of a pipe is closed (``swrap run … | head``): who has read enough is no
failure, so the stream leads to nowhere from then on, and the run and its files go on. Called by ``reporters``
and ``results``.
"""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console


class Screen(Console):
    """A console for people: text is text, no markup, and nothing is guessed to be a number or a path."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(file=stream, highlight=False, markup=False, emoji=False)
        self._stream = stream

    def on_broken_pipe(self) -> None:
        """Instead of rich's, which ends the program with the exit code of a failed expectation."""
        self.quiet = True
        abandon(self._stream)


def settle(stream: TextIO) -> None:
    """What ``stream`` holds back goes out now; if it cannot, nowhere, and not at exit again."""
    try:
        stream.flush()
    except OSError:
        abandon(stream)


def abandon(stream: TextIO) -> None:
    """Nobody reads ``stream`` any more: let what is still written to it, also at exit, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
