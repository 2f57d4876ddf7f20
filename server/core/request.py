"""A request on its way through the server, and the reply that a handler gives.
 Owns what is found out about one request (its session, tree, open, the fence's ticket) and gives it back when
it is over. Made by the dispatcher, filled step by step, used by every handler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.core.errors import StatusError
from server.core.fence import StaleError
from server.core.opens import FILE_ID, Open
from server.wire.encryption import Envelope
from server.wire.header import SIZE, Command, Flags, Header
from server.wire.ioctl import NO_FILE
from server.wire.negotiate import Dialect
from server.wire.signing import Signer
from server.wire.status import NTSTATUS

if TYPE_CHECKING:
    from server.core.connection import Connection
    from server.core.core import Core
    from server.core.session import Session, Tree

ROOM = 4 + SIZE
"""Bytes that a `Reply.room` body leaves free at its start: the transport's prefix and the header."""

_CREDIT_UNIT = 65536
_SMB_3_0 = int(Dialect.SMB_3_0)
RELATED, _SIGNED = int(Flags.RELATED_OPERATIONS), int(Flags.SIGNED)
_REPLAY = int(Flags.REPLAY_OPERATION)
_MODIFYING = (Command.WRITE, Command.SET_INFO, Command.IOCTL)


@dataclass(slots=True)
class Reply:
    """`body` follows the header; with `room` it begins with ROOM spare bytes, so that a large one is never
    copied.

    `signer` None: that of the request. `sent` sees the message as it goes out, header first. `session_id`,
    `tree_id` replace those of the request's header.
    """

    body: bytes | bytearray
    status: NTSTATUS = NTSTATUS.SUCCESS
    room: bool = False
    sent: Callable[[memoryview], None] | None = None
    session_id: int | None = None
    tree_id: int | None = None
    signer: Signer | None = None


Result = Reply | Awaitable[Reply] | None
"""What a handler gives: a reply, a reply to wait for, or none ever (CANCEL)."""


@dataclass(slots=True)
class Chain:
    """What a related request inherits from the one before it (3.3.5.2.7.2). `refused`: it cannot, and is told
    so.
    """

    session_id: int = 0
    tree_id: int = 0
    file_id: bytes | None = None
    create_error: NTSTATUS | None = None
    refused: NTSTATUS | None = None


class Request:
    """`message` runs from the header to the end of its padding, `body` from after the header. `envelope`: what it
    came encrypted in.

    `dropped`: nobody waits for the answer any more (cancelled, or the connection is lost): work that has not
    begun shall not begin. `last` of its PDU. `async_id`: it was answered STATUS_PENDING. `waiter`: what it
    waits for, other than storage. `outlives`: it goes on when its connection is lost, since its replay will
    ask for the outcome on another channel of the session.
    `signed`: there is a signature to check: what was encrypted needs none (3.3.5.2.4).
    """

    # On the class, since most requests never have anything else.
    session: Session | None = None
    tree: Tree | None = None
    signer: Signer | None = None
    verified: bool = False
    dropped: bool = False
    file: Open | None = None
    ticket: int | None = None
    last: bool = True
    async_id: int | None = None
    waiter: asyncio.Future[None] | None = None
    interrupted: NTSTATUS | None = None
    outlives: bool = False
    earlier: list[tuple[Request, Reply]]
    """The answers to what came before it in its PDU, as far as they are not sent yet. Set when its turn comes."""

    def __init__(
        self,
        core: Core,
        connection: Connection,
        header: Header,
        message: memoryview,
        envelope: Envelope | None,
        chain: Chain,
    ) -> None:
        self.core = core
        self.connection = connection
        self.header = header
        self.message = message
        self.envelope = envelope
        flags = header.flags
        self.related = bool(flags & RELATED)
        self.signed = envelope is None and bool(flags & _SIGNED)
        self.session_id, self.tree_id = header.session_id, header.tree_id
        self.chain = chain
        self.body = message[SIZE:]

    def inherit(self) -> None:
        """It is related, and all before it is answered. StatusError: there is nothing that it could be related to."""
        chain = self.chain
        self.session_id, self.tree_id = chain.session_id, chain.tree_id
        if chain.refused is not None:
            raise StatusError(chain.refused, "nothing to be related to")

    def charge(self, sent: int, asked: int) -> None:
        """StatusError: too few credits for what the request carries and what it asks for (3.3.5.2.5)."""
        if not self.connection.multicredit:
            if max(sent, asked) > _CREDIT_UNIT:
                raise StatusError(NTSTATUS.INVALID_PARAMETER, "more than 64 KiB without multi-credit")
            return
        needed = (max(sent, asked, 1) - 1) // _CREDIT_UNIT + 1
        if max(self.header.credit_charge, 1) < needed:
            raise StatusError(
                NTSTATUS.INVALID_PARAMETER, f"CreditCharge {self.header.credit_charge}, need {needed}"
            )

    def need_session(self) -> Session:
        if self.session is None:
            raise StatusError(NTSTATUS.USER_SESSION_DELETED)
        return self.session

    def need_tree(self) -> Tree:
        if self.tree is None:
            raise StatusError(NTSTATUS.NETWORK_NAME_DELETED)
        return self.tree

    def need_file(self, file_id: bytes) -> Open:
        """The open that the request is about, entered and past the fence. Once a request.

        StatusError: FILE_CLOSED for an id that is not one, FILE_NOT_AVAILABLE for what comes too late.
        """
        session, chain = self.need_session(), self.chain
        if self.related and file_id == NO_FILE:
            if chain.create_error is not None:
                raise StatusError(chain.create_error, "the CREATE before it failed")
            if chain.file_id is None:
                raise StatusError(NTSTATUS.INVALID_HANDLE, "no FileId to inherit")
            file_id = chain.file_id
        chain.file_id = file_id
        persistent, volatile = FILE_ID.unpack(file_id)
        found = session.opens.get(volatile)
        if (
            found is None
            or found.persistent != persistent
            or (self.tree is not None and found.tree is not self.tree)
        ):
            raise StatusError(NTSTATUS.FILE_CLOSED)
        if (self.connection.dialect or 0) >= _SMB_3_0:
            self._pass_fence(found)
        found.replayable = False
        self.file = found
        found.enter(self)
        return found

    def _pass_fence(self, found: Open) -> None:
        header = self.header
        try:
            self.ticket = found.fence.admit(
                header.channel_sequence,
                replay=bool(header.flags & _REPLAY),
                modifying=header.command in _MODIFYING,
            )
        except StaleError:
            raise StatusError(NTSTATUS.FILE_NOT_AVAILABLE, "behind the open's ChannelSequence") from None

    async def wait(self, event: asyncio.Future[None]) -> None:
        """Until the event, or until the request is interrupted: StatusError with what it is answered then."""
        if self.interrupted is not None:
            raise StatusError(self.interrupted)
        self.waiter = event
        try:
            await event
        finally:
            self.waiter = None

    def interrupt(self, status: NTSTATUS) -> None:
        """End its waiting, be it now or when it begins to wait."""
        if self.interrupted is None:
            self.interrupted = status
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_exception(StatusError(status))

    def drop(self) -> None:
        """Cancelled, or its connection is lost."""
        self.dropped = True
        self.interrupt(NTSTATUS.CANCELLED)

    def over(self, file: Open) -> None:
        """Give back what the request holds of its `file`: the fence's count and the handle."""
        if self.ticket is not None:
            file.fence.done(self.ticket)
        file.leave(self)
        self.file = None
