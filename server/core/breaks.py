"""Breaks: telling a client to give up what it caches, on a channel that works, and what follows if it does
not answer.

Owns the breaks under way for this worker's clients: where each was sent, and until when it may be answered
(MS-SMB2 3.3.4.6, 3.3.4.7, 3.3.6.1, 3.3.6.5). What is held and by whom is in the store. Called by the core
with notices, and by the acknowledgment.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.core.shared import caches
from server.core.shared.caches import Step
from server.core.shared.notices import BreakWanted
from server.core.shared.records import FileKey, Grant, H, R, W
from server.wire.buffers import Buffer
from server.wire.create import OplockLevel
from server.wire.encryption import Envelope
from server.wire.framing import prefix
from server.wire.header import UNSOLICITED, Command, Flags, Header
from server.wire.oplock_break import ACK_REQUIRED, LeaseBreakNotification, OplockBreak

if TYPE_CHECKING:
    from server.core.connection import Connection
    from server.core.core import Core
    from server.core.opens import Open

_PATIENCE = 6
"""Retransmission timeouts without one byte acknowledged, after which a channel is dead."""
_MIN_RTO, _MAX_RTO = 0.2, 1.0

OPLOCK_LEVELS = {
    0: OplockLevel.NONE,
    R: OplockLevel.II,
    R | W: OplockLevel.EXCLUSIVE,
    R | H | W: OplockLevel.BATCH,
}
CACHING_OF_LEVEL = {level: int(state) for state, level in OPLOCK_LEVELS.items()}


@dataclass(slots=True)
class Pending:
    """A break that was begun. `answered` is done when it needs no channel any more."""

    answered: asyncio.Future[None]
    deadline: asyncio.TimerHandle | None = None


class Breaks:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._pending: dict[tuple[FileKey, str], Pending] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def wanted(self, notice: BreakWanted) -> None:
        self._go_on(
            notice.key, notice.holder, caches.begin(self._core.table, notice.key, notice.holder, notice.to)
        )

    def acknowledged(self, key: FileKey, holder: str, state: int) -> None:
        """StatusError: there is no such break, or that is not what it asked for."""
        step = caches.acknowledge(self._core.table, key, holder, state)
        self._settled(key, holder)
        self._go_on(key, holder, step)

    def give_up(self, key: FileKey, holder: str) -> None:
        """The holder caches nothing any more, whatever it answers."""
        self._settled(key, holder)
        self._go_on(key, holder, caches.give_up(self._core.table, key, holder))

    def close(self) -> None:
        for pending in self._pending.values():
            if pending.deadline is not None:
                pending.deadline.cancel()
        for task in self._tasks:
            task.cancel()

    def _go_on(self, key: FileKey, holder: str, step: Step) -> None:
        for address in step.wake:
            self._core.wake(address, key)
        if step.was is None or step.told is None:
            return
        loop = asyncio.get_running_loop()
        pending = Pending(loop.create_future())
        if step.told.breaking is not None:
            self._pending[key, holder] = pending
            pending.deadline = loop.call_later(
                self._core.config.limits.break_time, self._expired, key, holder, step.told.epoch
            )
        opened = next((self._core.by_id[one.id] for one in step.opens if one.id in self._core.by_id), None)
        message = _notification(step.was, step.told, opened)
        envelope = None if step.told.version or opened is None else _envelope(opened)
        channels = self._channels(step.told, opened)
        first = next(channels, None)
        if first is not None:
            first.wire.send(_framed(message, envelope))
        task = loop.create_task(self._deliver(key, holder, message, envelope, first, channels, pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settled(self, key: FileKey, holder: str) -> None:
        pending = self._pending.pop((key, holder), None)
        if pending is not None:
            if pending.deadline is not None:
                pending.deadline.cancel()
            if not pending.answered.done():
                pending.answered.set_result(None)

    def _expired(self, key: FileKey, holder: str, epoch: int) -> None:
        self._settled(key, holder)
        self._go_on(key, holder, caches.give_up(self._core.table, key, holder, epoch))

    async def _deliver(
        self,
        key: FileKey,
        holder: str,
        message: bytes,
        envelope: Envelope | None,
        connection: Connection | None,
        others: Iterator[Connection],
        pending: Pending,
    ) -> None:
        """See that what was sent on `connection` gets through, or send it on one of the others."""
        while connection is not None:
            if await self._arrives(connection, pending):
                return
            connection.abort("a break was not acknowledged by TCP in time")
            connection = next(others, None)
            if connection is not None:
                connection.wire.send(_framed(message, envelope))
        if not pending.answered.done():
            self.give_up(key, holder)

    def _channels(self, grant: Grant, opened: Open | None) -> Iterator[Connection]:
        """A lease's are those of its ClientGUID, an oplock's those of its open's session; oldest first, each once."""
        tried: set[str] = set()
        while True:
            found = [
                one for one in self._reachable(grant, opened) if one.name not in tried and not one.closing
            ]
            if not found:
                return
            tried.add(found[0].name)
            yield found[0]

    def _reachable(self, grant: Grant, opened: Open | None) -> list[Connection]:
        if grant.version:
            client = self._core.clients.get(uuid.UUID(hex=grant.holder[:32]))
            return list(client.connections.values()) if client is not None else []
        if opened is None:
            return []
        return [channel.connection for channel in opened.session.channels.values()]

    async def _arrives(self, connection: Connection, pending: Pending) -> bool:
        """Whether the peer's TCP acknowledges all that was sent so far, or the client answers. False: the
        connection is gone, or no byte was acknowledged for too long.
        """
        progress = connection.wire.progress()
        goal, acked, idle = progress.sent, progress.acked, 0
        while not connection.closing:
            progress = connection.wire.progress()
            if progress.acked >= goal and not connection.unacked:
                return True
            if progress.acked > acked and not connection.unacked:
                acked, idle = progress.acked, 0
            if idle >= _PATIENCE:
                return False
            rto = min(max(progress.rto, _MIN_RTO), _MAX_RTO)
            await asyncio.wait((pending.answered,), timeout=rto)
            if pending.answered.done():
                return True
            idle += 1
        return False


def _envelope(opened: Open) -> Envelope | None:
    """What an oplock's break is encrypted in; a lease's has no session that it could be encrypted for."""
    demanded = opened.session.encrypt or opened.tree.share.config.encrypt
    return opened.session.envelope if demanded else None


def _framed(message: bytes, envelope: Envelope | None) -> list[Buffer]:
    return [prefix(len(message)), message] if envelope is None else envelope.seal(message)


def _notification(was: Grant, told: Grant, opened: Open | None) -> bytes:
    """The message, neither signed nor granting credits (2.2.23)."""
    acknowledge = told.breaking is not None
    new = told.state if told.breaking is None else told.breaking
    session = 0
    if told.version:
        body = LeaseBreakNotification(
            bytes.fromhex(told.holder[32:]),
            was.state,
            new,
            ACK_REQUIRED if acknowledge else 0,
            told.epoch if told.version == 2 else 0,
        ).encode()
    else:
        session = opened.session.id if opened is not None else 0
        body = OplockBreak(opened.file_id if opened is not None else bytes(16), OPLOCK_LEVELS[new]).encode()
    header = Header(
        Command.OPLOCK_BREAK, flags=Flags.SERVER_TO_REDIR, message_id=UNSOLICITED, session_id=session
    )
    return header.encode() + body
