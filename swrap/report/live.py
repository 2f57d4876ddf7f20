"""The live view: the picture of ``screen`` on a terminal, while the run goes on.

Owns the terminal for that long: the alternate screen, a redraw at most every ``PERIOD``, the size as it
changes, and leaving everything as it was. Must not know what is drawn. Called through ``reporters``.

It draws on the alternate screen, where each redraw overwrites the last in place: nothing flickers, and a
resize leaves no rags behind. At the end the last picture is printed below the prompt, then the result.
"""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live

from swrap.events import Event

from .canvas import encodable
from .glyphs import glyphs_for
from .model import Model
from .outcome import Verdict
from .screen import frame
from .table import print_result

PERIOD = 0.1
"""s between two redraws at least."""

_LAST_EVENTS = 26
"""Lines at most of the picture that stays: it is to be seen together with the result below it."""


class LiveReporter:
    """Draws to ``console`` (a terminal). ``speed`` is how fast the events' time passes by ``clock`` (s)."""

    def __init__(
        self, console: Console, speed: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._glyphs = glyphs_for(console.encoding)
        self._speed, self._clock = speed, clock
        self._model = Model()
        self._live: Live | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._drawn = clock()

    def event(self, e: Event, /) -> None:
        self._model.apply(e)
        self._heard = self._clock()
        if self._live is None:
            self._begin()
        self._wake()

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._model.finish(verdict)
        self.close()
        width, height = self._console.size
        state = self._model.state
        for line in frame(state, state.at, width, min(height - 1, _LAST_EVENTS), self._glyphs, fill=False):
            self._console.print(
                encodable(line, self._console.encoding, self._glyphs), crop=True, no_wrap=True
            )
        print_result(state.outcome, state.at, self._console, self._glyphs, width=width)

    def close(self) -> None:
        """Give the terminal back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        live, self._live = self._live, None
        if live is not None:
            atexit.unregister(self.close)
            live.stop()

    def now(self) -> float:
        """The present of the run (s since its start): the latest event's time and what has passed since."""
        return self._model.state.at + (self._clock() - self._heard) * self._speed

    def _begin(self) -> None:
        # No thread of rich's: this view is drawn by the loop that the run is in.
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._picture,
        )
        atexit.register(self.close)
        self._live.start()

    def _wake(self) -> None:
        """Redraw when the period is over: by the running loop, or here and now where there is none."""
        if self._timer is not None:
            return
        wait = self._drawn + PERIOD - self._clock()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            if wait <= 0:
                self._draw()
            return
        self._timer = loop.call_later(max(wait, 0.0), self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._live is not None:
            self._draw()
            self._wake()

    def _draw(self) -> None:
        self._drawn = self._clock()
        if self._live is not None:
            self._live.refresh()

    def _picture(self) -> Group:
        width, height = self._console.size
        lines = frame(self._model.state, self.now(), width, height, self._glyphs)
        return Group(*(encodable(line, self._console.encoding, self._glyphs) for line in lines))
