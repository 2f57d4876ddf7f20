"""Notices between workers: their bytes, and the sending of them in order.

Owns one queue per receiver. A notice is a datagram that begins with `!`, by which it is told from the messages of the
hand-over. Called by the workers and by the acceptor.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict

from server.core.shared.notices import (
    BreakWanted,
    Displaced,
    Doomed,
    EntryChanged,
    FileChanged,
    Moved,
    Notice,
    Orphaned,
    SessionOver,
    SessionReplaced,
)
from server.passing.post import Post
from server.ports.processes import Peers

MARK = b"!"
_KINDS: Mapping[str, Callable[..., Notice]] = {
    kind.__name__: kind
    for kind in (
        FileChanged,
        BreakWanted,
        Moved,
        Doomed,
        Displaced,
        EntryChanged,
        Orphaned,
        SessionReplaced,
        SessionOver,
    )
}
_TUPLES = ("key", "path")


def encode(notice: Notice) -> bytes:
    return MARK + json.dumps([type(notice).__name__, asdict(notice)]).encode()


def decode(data: bytes) -> Notice:
    """ValueError: none. Only our own processes can write here, so that is a bug or a version mix."""
    try:
        kind, fields = json.loads(data[len(MARK) :])
        return _KINDS[kind](
            **{name: tuple(value) if name in _TUPLES else value for name, value in fields.items()}
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a notice: {error}") from error


class PostCouriers:
    """Implements `server.core.shared.notices.Couriers` by post. `received` gets what one tells oneself, later."""

    def __init__(self, post: Post, peers: Peers, received: Callable[[Notice], None]) -> None:
        self._post = post
        self._peers = peers
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._queues: dict[str, deque[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.home = ""

    @property
    def address(self) -> str:
        return self._post.address

    def alive(self, pid: int) -> bool:
        return self._peers.alive(pid)

    def tell(self, address: str, notice: Notice) -> None:
        if address == self.address:
            self._loop.call_soon(self._received, notice)
            return
        queue = self._queues.get(address)
        if queue is not None:
            queue.append(encode(notice))
            return
        self._queues[address] = deque([encode(notice)])
        task = self._loop.create_task(self._send(address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, address: str) -> None:
        queue = self._queues[address]
        try:
            while queue:
                await self._post.send(address, queue.popleft())
        except OSError:
            return  # it is gone, and nobody misses what it was told
        finally:
            del self._queues[address]

    async def close(self) -> None:
        """Send what is queued, as far as there is somebody to take it at once."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE)
            for task in late:
                task.cancel()


_GRACE = 1.0
