"""The way of a PDU through the server (MS-SMB2 3.3.5.2): ids and credits, identity, handler, answer.
 Owns the order of judgement, the chains of compounds, and that nothing a peer sends ends otherwise than in an
answer or a disconnect. Knows no command by more than its place in the handlers' table. Called by the worker
with every PDU.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from server.core import respond
from server.core.connection import Connection
from server.core.core import Core
from server.core.errors import DisconnectError, StatusError, status_of
from server.core.request import RELATED, Chain, Reply, Request, Result
from server.core.verify import identify
from server.log import Log
from server.wire.encryption import Envelope, TransformHeader
from server.wire.errors import WireError
from server.wire.header import MAGIC, MAGIC_ENCRYPTED, MAGIC_SMB1, Command, Flags, split_compound
from server.wire.misc import ERROR_BODY, ErrorResponse
from server.wire.negotiate import Dialect
from server.wire.status import NTSTATUS

Handler = Callable[[Request], Result]

_LARGE = (
    Command.READ,
    Command.WRITE,
    Command.IOCTL,
    Command.QUERY_DIRECTORY,
    Command.CHANGE_NOTIFY,
    Command.QUERY_INFO,
    Command.SET_INFO,
)
_WITHOUT_SENDER = (NTSTATUS.USER_SESSION_DELETED, NTSTATUS.NETWORK_NAME_DELETED)
_CANCEL, _SUCCESS = Command.CANCEL, NTSTATUS.SUCCESS
_RESPONSE = int(Flags.SERVER_TO_REDIR)
_SMALL_LIMIT = 68 * 1024


class Dispatcher:
    """`smb1` answers the multi-protocol negotiate, `handlers` everything else."""

    def __init__(
        self,
        core: Core,
        handlers: Mapping[Command, Handler],
        smb1: Callable[[Core, Connection, memoryview], None],
        log: Log,
    ) -> None:
        self._core = core
        self._handlers = handlers
        self._smb1 = smb1
        self._log = log
        self._unshared = Chain()
        """Of every request that has none behind it: what it leaves there is nobody's to inherit."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def settled(self) -> None:
        """Return when no answer is outstanding any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def receive(self, connection: Connection, pdu: bytes | bytearray) -> None:
        """One PDU without its length prefix. Answers go to the connection's wire, now or later."""
        if connection.closing:
            return
        try:
            magic, envelope = pdu[:4], None
            if magic != MAGIC:
                if magic == MAGIC_SMB1:
                    self._smb1(self._core, connection, memoryview(pdu))
                    return
                if magic == MAGIC_ENCRYPTED:
                    envelope = _envelope(connection, pdu)
                    pdu = envelope.open(pdu)
            self._run(self._requests(connection, pdu, envelope), [], 0)
        except DisconnectError as error:
            connection.close(str(error))
        except WireError as error:
            connection.close(f"broken framing: {error}")
        except Exception as error:
            self._log.failure("a message failed in the server", error)
            connection.close("an error of the server's own")

    def _requests(
        self, connection: Connection, pdu: bytes | bytearray, envelope: Envelope | None
    ) -> list[Request]:
        """The requests of the PDU, with their ids taken from the window."""
        chain: Chain | None = None
        requests: list[Request] = []
        dialect, multicredit = connection.dialect, connection.multicredit
        for header, message in split_compound(pdu):
            if header.flags & _RESPONSE:
                raise DisconnectError("a response, sent to a server")
            if dialect is None and not requests and header.command is not Command.NEGOTIATE:
                raise DisconnectError(f"{header.command.name} before NEGOTIATE")
            if len(message) > _SMALL_LIMIT and not (multicredit and header.command in _LARGE):
                raise DisconnectError(f"{header.command.name} of {len(message)} bytes")
            if header.flags & RELATED:
                chain = chain or Chain(refused=NTSTATUS.INVALID_PARAMETER)
            elif header.next_command:
                chain = Chain(header.session_id, header.tree_id)
            else:
                chain = self._unshared
            request = Request(self._core, connection, header, message, envelope, chain)
            if envelope is not None and not _fits(envelope, request, first=not requests):
                raise DisconnectError("an encrypted message of another session than its envelope")
            if header.command is not _CANCEL:
                charge = (header.credit_charge or 1) if multicredit else 1
                if not connection.window.consume(header.message_id, charge):
                    raise DisconnectError(f"MessageId {header.message_id} is not the client's to use")
                connection.requests[header.message_id] = request
            requests.append(request)
        if len(requests) > 1:
            for request in requests[:-1]:
                request.last = False
        return requests

    def _run(self, requests: list[Request], answers: list[tuple[Request, Reply]], start: int) -> None:
        """Answer them in turn from `start` on. At one that has to wait, a task takes over."""
        for position in range(start, len(requests)):
            request = requests[position]
            request.earlier = answers
            result = self._answer(request)
            if request.header.command is _CANCEL:
                continue  # never answered, not even when it is refused
            if isinstance(result, Reply):
                self._over(request, result, answers)
            elif result is not None:
                task = asyncio.get_running_loop().create_task(self._wait(requests, answers, position, result))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                return
            elif request.file is not None:
                request.over(request.file)
        respond.send(answers)
        answers.clear()  # which the requests know, and it them: let go of them now and not when garbage is collected

    async def _wait(
        self,
        requests: list[Request],
        answers: list[tuple[Request, Reply]],
        position: int,
        result: Awaitable[Reply],
    ) -> None:
        request = requests[position]
        connection = request.connection
        try:
            try:
                reply = await result
            except Exception as error:
                reply = self._failure(request, error)
            self._over(request, reply, answers)
            self._run(requests, answers, position + 1)
        except DisconnectError as error:
            connection.close(str(error))
        except Exception as error:
            self._log.failure("a message failed in the server", error)
            connection.close("an error of the server's own")

    def _over(self, request: Request, reply: Reply, answers: list[tuple[Request, Reply]]) -> None:
        request.connection.requests.pop(request.header.message_id, None)
        if reply.status is not _SUCCESS and reply.status.is_error:
            _note_failure(request, reply.status)
        if reply.session_id is not None:
            request.chain.session_id = reply.session_id
        if reply.tree_id is not None:
            request.chain.tree_id = reply.tree_id
        if request.file is not None:
            request.over(request.file)
        answers.append((request, reply))

    def _answer(self, request: Request) -> Result:
        try:
            if request.related:
                request.inherit()
            identify(request)
            handler = self._handlers.get(request.header.command)
            if handler is None:
                raise StatusError(NTSTATUS.NOT_SUPPORTED, request.header.command.name)
            return handler(request)
        except Exception as error:
            return self._failure(request, error)

    def _failure(self, request: Request, error: Exception) -> Reply:
        """The answer to a request that a handler refused. DisconnectError: there is to be none."""
        if isinstance(error, DisconnectError):
            raise error
        if isinstance(error, StatusError):
            return Reply(_error_body(request, error.data) if error.data else ERROR_BODY, error.status)
        if isinstance(error, WireError):
            if error.fatal:
                raise DisconnectError(str(error)) from error
            return Reply(ERROR_BODY, error.status)
        if isinstance(error, OSError):
            return Reply(ERROR_BODY, status_of(error))
        self._log.failure("a request failed in the server", error, command=request.header.command.name)
        return Reply(ERROR_BODY, NTSTATUS.INTERNAL_ERROR)


def _envelope(connection: Connection, pdu: bytes | bytearray) -> Envelope:
    """Of the session that the PDU is encrypted for (3.3.5.2.1.1)."""
    session = connection.sessions.get(TransformHeader.decode(pdu).session_id)
    if session is None or session.envelope is None:
        raise DisconnectError("encrypted for a session that has no keys here")
    return session.envelope


def _fits(envelope: Envelope, request: Request, *, first: bool) -> bool:
    """Whether the request inside is of the session that it came encrypted for."""
    if request.related:
        return not first
    return request.header.session_id == envelope.session_id


def _note_failure(request: Request, status: NTSTATUS) -> None:
    """What the failure means for the related requests after it (3.3.5.2.7.2)."""
    command = request.header.command
    if command is Command.CREATE:
        request.chain.create_error = status
    elif command in (Command.SESSION_SETUP, Command.TREE_CONNECT) or status in _WITHOUT_SENDER:
        request.chain.refused = NTSTATUS.INVALID_PARAMETER


def _error_body(request: Request, data: bytes) -> bytes:
    """ErrorData stands alone before 3.1.1, in an error context since (2.2.2.1)."""
    if request.connection.dialect is not Dialect.SMB_3_1_1:
        return ErrorResponse(data).encode()
    context = len(data).to_bytes(4, "little") + bytes(4) + data
    return ErrorResponse(context, context_count=1).encode()
