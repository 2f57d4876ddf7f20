"""Who has the next turn, and when time goes on.

Owns the line of loops that have something to do; chance picks from it. When it is empty, the clock jumps. Must
not know what the turns are for. One is made a world.

Time stands still while anything can be done; after so many turns at one instant that somebody must be waiting
for time to pass, each further turn takes a microsecond.
"""

from __future__ import annotations

import sys
import time
from asyncio import events
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from swrap.fake.collector import Collector
from swrap.fake.fabric.clock import Clock
from swrap.fake.inside.current import current

if TYPE_CHECKING:
    from swrap.fake.loop.loop import FakeLoop
    from swrap.fake.process import Process

STILL = 10_000
"""Turns at one instant."""
CREEP = 1e-6
_SLICE = 0.05
"""Seconds of real time between two looks for signals, when a run is paced."""

_real_sleep, _real_clock = time.sleep, time.monotonic


class Deadlock(Exception):
    """All wait, and nothing will ever happen; the text says who waits for what."""


class Scheduler:
    """``pace``: virtual seconds a real one; None: as fast as it goes."""

    def __init__(
        self, clock: Clock, random: Random, enter: Callable[[Process], None], waiting: Callable[[], str]
    ) -> None:
        self.clock = clock
        self.queue: list[FakeLoop] = []
        self.pace: float | None = None
        self.shuffle = random.shuffle
        self._random = random.random
        self.blocked: Process | None = None
        """Who is in a call that blocks."""
        self._enter = enter
        self._waiting = waiting
        self._over = Collector().turn
        self._generators: dict[int, Process] = {}
        """Whose an asynchronous generator is, by its id."""

    def run(self, home: FakeLoop) -> None:
        """Give turns until ``home`` is told to stop. Raises Deadlock."""
        queue, clock, draw, enter, over = self.queue, self.clock, self._random, self._enter, self._over
        before = current.process, events._get_running_loop(), sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._first, finalizer=self._final)
        began = _real_clock(), clock.now
        still = 0
        try:
            while not home._stopping:
                while not queue:
                    if self.pace is not None:
                        self._keep_pace(*began)
                    still = 0
                    if not clock.jump():
                        raise Deadlock(self._waiting())
                if len(queue) > 1:
                    chosen = int(draw() * len(queue))
                    queue[chosen], queue[-1] = queue[-1], queue[chosen]
                loop = queue.pop()
                process = loop.process
                if process.stopped or not process.alive:
                    loop.queued = False
                    continue
                if current.process is not process:
                    enter(process)
                loop.turn()
                over()
                still += 1
                if still > STILL:
                    clock.now += CREEP
                    clock.due()
        finally:
            current.process = before[0]
            events._set_running_loop(before[1])
            sys.set_asyncgen_hooks(*before[2])

    def block(self, process: Process, ready: Callable[[], bool], deadline: float | None) -> bool:
        """Give turns to all but ``process`` until it is ``ready``, or the deadline is over. Raises Deadlock."""
        queue, clock = self.queue, self.clock
        aside: list[FakeLoop] = []
        still = 0
        self.blocked = process
        try:
            while process.alive and not ready():
                if not queue:
                    still, following = 0, clock.next()
                    if deadline is not None and (following is None or following > deadline):
                        clock.now = max(clock.now, deadline)
                        return ready()
                    if not clock.jump():
                        raise Deadlock(self._waiting())
                    continue
                loop = queue.pop(int(self._random() * len(queue)))
                if loop.process is process:
                    aside.append(loop)
                elif loop.process.stopped or not loop.process.alive:
                    loop.queued = False
                else:
                    if current.process is not loop.process:
                        self._enter(loop.process)
                    loop.turn()
                    self._over()
                    still += 1
                    if still > STILL:
                        clock.now += CREEP
                        clock.due()
            return True
        finally:
            self.blocked = None
            queue.extend(aside)
            self._enter(process)

    def _keep_pace(self, real: float, virtual: float) -> None:
        following = self.clock.next()
        if following is not None and self.pace:
            until = real + (following - virtual) / self.pace
            while (late := until - _real_clock()) > 0 and not self.queue:
                _real_sleep(min(late, _SLICE))

    def _first(self, generator: Any) -> None:
        process = current.process
        if process is not None:
            self._generators[id(generator)] = process
            process.loop._asyncgen_firstiter_hook(generator)

    def _final(self, generator: Any) -> None:
        """Nobody refers to it any more: that may turn out in anybody's turn."""
        process = self._generators.pop(id(generator), None)
        if process is not None and process.alive:
            process.loop._asyncgen_finalizer_hook(generator)
