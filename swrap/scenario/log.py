"""The events of a run, in their order, and how to wait for what they bring.

Owns the order: an event that comes while a fault is being applied is logged after the fault, since it may
be its effect and cannot be its cause. Must not know what any event means. Filled by the stage and the back
end; read by triggers, actions, expectations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from swrap.document import JSON
from swrap.events import CATALOGUE, Event

_T = TypeVar("_T")


class Log:
    """``now`` is the back end's clock, in seconds; ``on_event`` gets every event, once, in order.

    If ``on_event`` raises it is not asked again, and ``broken`` has the exception.
    """

    def __init__(self, now: Callable[[], float], on_event: Callable[[Event], None]) -> None:
        self.broken: Exception | None = None
        self.events: list[Event] = []
        """All but the samples."""
        self._now = now
        self._began = now()
        self._on_event = on_event
        self._waiting: list[asyncio.Future[None]] = []
        self._held: list[Event] | None = None

    def at(self) -> float:
        """Seconds since the run's start."""
        return self._now() - self._began

    def emit(self, kind: str, source: str, data: Mapping[str, JSON]) -> None:
        """Something happened, now."""
        event = Event(self.at(), kind, source, data)
        if self._held is None:
            self._deliver(event)
        else:
            self._held.append(event)

    @contextmanager
    def cause(self) -> Iterator[Callable[[str, str, Mapping[str, JSON]], None]]:
        """Hold back what comes until its cause, which the yielded function takes, is logged."""
        if self._held is not None:
            raise AssertionError("two causes at once")
        at = self.at()
        self._held = []
        try:
            yield lambda kind, source, data: self._deliver(Event(at, kind, source, data))
        finally:
            held, self._held = self._held, None
            for event in held:
                self._deliver(event)

    async def until(self, found: Callable[[], _T | None]) -> _T:
        """What ``found`` returns as soon as that is not None; it is asked now, and after every event."""
        while (result := found()) is None:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        return result

    def wake(self) -> None:
        """Have everybody who waits look again."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def _deliver(self, event: Event) -> None:
        if not (event.kind in CATALOGUE and CATALOGUE[event.kind].sample):
            self.events.append(event)
        if self.broken is None:
            try:
                self._on_event(event)
            except Exception as error:
                # Events come from tasks of all kinds; whoever runs the scenario is told in one place.
                self.broken = error
        self.wake()
