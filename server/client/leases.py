"""The leases that this client holds, and what becomes of a break (MS-SMB2 3.2.5.19.2).

Owns the table by lease key. A break comes over any channel, its acknowledgment goes over any. Must not know what is
cached: whoever holds a lease is told by ``on_break`` to put its affairs in order, and the break is acknowledged when
that is done. It does not wait for a CREATE of our own on that file: the epoch says which of the two is the newer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.client.channel import Channel
from server.client.errors import ClientError
from server.client.exchange import Reply
from server.client.lease import Caching, Lease
from server.client.request import Request, TreeId
from server.client.session import Session
from server.wire.errors import WireError
from server.wire.header import Command
from server.wire.oplock_break import ACK_REQUIRED, LeaseBreak, LeaseBreakNotification

_log = logging.getLogger(__name__)

OnBreak = Callable[[Caching], Awaitable[None]]
"""Called with what is left; the break is acknowledged when it returns."""


@dataclass(slots=True, eq=False)
class _Held:
    lease: Lease
    on_break: OnBreak | None


class Leases:
    """Of one client: a new session does not change them, since they belong to the ClientGuid."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[bytes, _Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        session.on_break = self._heard

    def new(self, path: str, tree: TreeId, wanted: Caching, on_break: OnBreak | None = None) -> Lease:
        """A lease to open ``path`` with, once its opener asks for it."""
        lease = Lease(os.urandom(16), path, tree, wanted)
        self._held[lease.key] = _Held(lease, on_break)
        return lease

    def drop(self, lease: Lease) -> None:
        """No open has it any more."""
        self._held.pop(lease.key, None)

    def _heard(self, channel: Channel, reply: Reply) -> None:
        if reply.header.command is not Command.OPLOCK_BREAK:
            return
        try:
            notice = LeaseBreakNotification.decode(reply.body)
        except WireError as error:
            _log.warning("%s says what is no break of a lease: %s", channel.remote, error)
            return
        held = self._held.get(notice.key)
        before = held.lease.state if held is not None else Caching(notice.current & 7)
        left = held.lease.broken(notice) if held is not None else Caching(notice.new & 7)
        self._session.tell(
            "lease-broken",
            path=held.lease.path if held is not None else None,
            key=notice.key.hex(),
            channel=channel.number,
            before=before.letters,
            left=Caching(notice.new & 7).letters,
            epoch=notice.epoch,
            acknowledged=bool(notice.flags & ACK_REQUIRED),
        )
        if (
            left is None or held is None
        ):  # Overtaken; or the last open has just been closed, which answers it.
            return
        task = asyncio.create_task(self._obey(held, left, notice), name=f"break of {held.lease.path}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, held: _Held, left: Caching, notice: LeaseBreakNotification) -> None:
        try:
            if held.on_break is not None:
                await held.on_break(left)
        finally:
            if notice.flags & ACK_REQUIRED and notice.key in self._held:
                # A refusal is no news: the server has given up waiting, or a repeated break is answered already.
                with contextlib.suppress(ClientError):
                    await self._session.perform(
                        Request(
                            Command.OPLOCK_BREAK,
                            lambda: [LeaseBreak(notice.key, left).encode()],
                            held.lease.tree,
                        )
                    )

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
