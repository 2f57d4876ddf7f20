"""Jobs given to an executor: each is done at once, but at a later virtual time that the seed decides.

Owns the pretended threads of a pool. A job is atomic: what it does to files happens at the instant at which it
ends, so jobs on different threads overtake each other, and one thread keeps their order. Used by ``loop``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swrap.fake.loop.loop import FakeLoop

THREADS = 8
"""Of a pool that does not say how many it has."""
LEAST, SPREAD = 30e-6, 400e-6
"""Seconds that a job takes: the least, and what chance adds."""


class Pool:
    """``threads`` jobs at a time."""

    def __init__(self, loop: FakeLoop, threads: int, random: Random) -> None:
        self._loop = loop
        self._random = random
        self._free_at = [0.0] * threads

    def submit(self, job: Callable[[], Any]) -> asyncio.Future[Any]:
        """The future of what ``job`` returns or raises."""
        loop = self._loop
        future: asyncio.Future[Any] = loop.create_future()
        start = max(loop.time(), heappop(self._free_at))
        end = start + LEAST + SPREAD * self._random.random()
        heappush(self._free_at, end)
        loop.call_at(end, _perform, job, future)
        return future


def _perform(job: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    if future.cancelled():
        return  # before it began: a thread pool drops such a job, too
    try:
        result = job()
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        # Whatever a job raises is for who waits for it, StopIteration excepted, which no future can carry.
        if isinstance(error, StopIteration):
            error = RuntimeError(f"a job raised StopIteration: {error}")
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)
