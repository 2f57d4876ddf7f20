"""A recorded run, shown again.

Owns the pace: each event comes when it came, on the loop's clock against a deadline reckoned from the
start, so that delays do not add up. Called by ``python -m swrap.report``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from swrap.events import Event

from .reporter import Reporter


async def replay(events: Iterable[Event], reporter: Reporter, speed: float | None) -> None:
    """Give ``events`` to ``reporter``, ``speed`` times as fast as they came (None: all at once).

    Each ``run-ended`` finishes a run; a record that stops before it is finished as one that broke off.
    """
    loop = asyncio.get_running_loop()
    start, begun = loop.time(), False
    for event in events:
        if event.kind == "run-started":
            if begun:
                reporter.finish()
            start = loop.time() - (event.at / speed if speed else 0.0)
        begun = True
        if speed:
            await asyncio.sleep(max(start + event.at / speed - loop.time(), 0.0))
        reporter.event(event)
        if event.kind == "run-ended":
            reporter.finish()
            begun = False
    if begun:
        reporter.finish()
