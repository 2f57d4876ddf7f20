"""From replies to bytes: header, credits, compounding, signature, framing (MS-SMB2 3.3.4.1).

Owns how a response's header follows from its request. Called by the dispatcher when all messages of a PDU are
answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from server.core.errors import StatusError
from server.core.request import ROOM, Reply, Request
from server.wire.buffers import Buffer, padding
from server.wire.encryption import Envelope
from server.wire.framing import PREFIX_SIZE, prefix
from server.wire.header import SIZE, Command, Flags, join_compound
from server.wire.misc import ERROR_BODY
from server.wire.status import NTSTATUS

_SESSION_SETUP = Command.SESSION_SETUP
_STRANGERS = 32
"""Credits for an answer to somebody who is not logged on, at most."""
_KEPT = int(Flags.RELATED_OPERATIONS | Flags.PRIORITY_MASK | Flags.DFS_OPERATIONS | Flags.REPLAY_OPERATION)


def send(answers: Sequence[tuple[Request, Reply]]) -> None:
    """One PDU with these answers in it, on the connection of the first."""
    if not answers:
        return
    first = answers[0][0]
    connection, envelope = first.connection, _envelope(first)
    if len(answers) == 1:
        pdu = _single(*answers[0], envelope)
        connection.wire.send([pdu] if envelope is None else envelope.seal(memoryview(pdu)[PREFIX_SIZE:]))
        return
    bodies = [reply.body[ROOM:] if reply.room else reply.body for _, reply in answers]
    messages = join_compound(
        [
            _header(*answer) + body + padding(len(body))  # the last one as well, as Windows does
            for answer, body in zip(answers, bodies, strict=True)
        ]
    )
    for (request, reply), message in zip(answers, messages, strict=True):
        _sign(request, reply, message, 0, envelope)
    parts: list[Buffer] = [prefix(sum(map(len, messages))), *messages]
    connection.wire.send(parts if envelope is None else envelope.seal(b"".join(messages)))


def pend(request: Request) -> None:
    """Answer STATUS_PENDING: the real answer takes a while (3.3.4.2). All credits go with this one; it is not signed.

    StatusError: inside of a compound only a CREATE may take a while, and there are only so many at a time.
    """
    if request.async_id is not None:
        return
    if not request.last and request.header.command is not Command.CREATE:
        raise StatusError(NTSTATUS.INTERNAL_ERROR, "it would wait inside of a compound")
    send(request.earlier)  # what is done need not wait with it
    request.earlier.clear()
    connection = request.connection
    under_way = sum(other.async_id is not None for other in connection.requests.values())
    if under_way >= request.core.config.limits.max_async:
        raise StatusError(NTSTATUS.INSUFFICIENT_RESOURCES, "too many wait already")
    request.async_id = connection.new_async_id()
    message = _header(request, Reply(b"", NTSTATUS.PENDING), interim=True) + ERROR_BODY
    envelope = _envelope(request)
    connection.wire.send([prefix(len(message)), message] if envelope is None else envelope.seal(message))


def _single(request: Request, reply: Reply, envelope: Envelope | None) -> bytearray:
    head, body = _header(request, reply), reply.body
    if reply.room:
        pdu = cast(bytearray, body)
        pdu[:ROOM] = prefix(len(pdu) - PREFIX_SIZE) + head
    else:
        pdu = bytearray().join((prefix(SIZE + len(body)), head, body))
    _sign(request, reply, pdu, PREFIX_SIZE, envelope)
    return pdu


def _header(request: Request, reply: Reply, *, interim: bool = False) -> bytes:
    """All credits go with the `interim` answer, if there is one. Strangers get few, since each credit is memory that
    they could take.
    """
    asked, async_id, granted = request.header, request.async_id, 0
    if interim or async_id is None:
        wanted = asked.credits or 1
        if request.session is None and asked.command is not _SESSION_SETUP:
            wanted = min(wanted, _STRANGERS)
        granted = request.connection.window.grant(wanted)
    return asked.answered(
        reply.status,
        asked.flags & _KEPT,
        request.tree_id if reply.tree_id is None else reply.tree_id,
        request.session_id if reply.session_id is None else reply.session_id,
        async_id,
        granted,
    )


def _sign(request: Request, reply: Reply, pdu: bytearray, start: int, envelope: Envelope | None) -> None:
    """The message that begins at `start` of the PDU is complete."""
    signer = reply.signer
    if envelope is not None:
        signer = None
    elif signer is None:
        session = request.session
        if request.signed or (session is not None and session.signing_required):
            signer = request.signer
    if signer is not None:
        signer.sign(memoryview(pdu)[start:], server=True)
    if reply.sent is not None:
        reply.sent(memoryview(pdu)[start:])


def _envelope(request: Request) -> Envelope | None:
    """What the answer is encrypted in (3.3.4.1.4): as the request was, or as its session or share demands."""
    session = request.session
    if session is None or request.envelope is not None or request.header.command is _SESSION_SETUP:
        return request.envelope
    tree = request.tree
    demanded = session.encrypt or (tree is not None and tree.share.config.encrypt)
    return session.envelope if demanded else None
