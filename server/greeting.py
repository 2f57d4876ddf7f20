"""What a connection says first: one Negotiate, or a multi-protocol one and then the real one.

Takes no byte off the stream behind it, for whoever serves the connection reads on from there. Called by the acceptor.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from server.core.connection import NOBODY
from server.wire.errors import FramingError
from server.wire.framing import NEGOTIATE_LIMIT, PREFIX_SIZE, length_of
from server.wire.header import MAGIC_SMB1, SIZE, Command, Header
from server.wire.negotiate import Dialect, NegotiateRequest
from server.wire.smb1 import WILDCARD, MultiProtocolNegotiate


@dataclass(frozen=True, slots=True)
class Greeting:
    """`seq_low`: the MessageId of `negotiate` (1 after a multi-protocol one). `client_guid`: or NOBODY."""

    negotiate: bytes
    seq_low: int
    client_guid: uuid.UUID


async def greeted(sock: socket.socket, wildcard: Callable[[], bytes]) -> Greeting:
    """Read it (MS-SMB2 3.3.5.3, 3.3.5.4). `wildcard`: the answer to a multi-protocol one, with its prefix. WireError:
    it is none; EOFError: the client left.
    """
    message = await _pdu(sock)
    seq_low = 0
    guid = NOBODY
    if message[:4] == MAGIC_SMB1 and WILDCARD in MultiProtocolNegotiate.decode(message).dialects:
        await asyncio.get_running_loop().sock_sendall(sock, wildcard())
        message = await _pdu(sock)
        seq_low = 1
    if message[:4] != MAGIC_SMB1:
        if Header.decode(message).command is not Command.NEGOTIATE:
            raise FramingError("the first message is no NEGOTIATE")
        request = NegotiateRequest.decode(memoryview(message)[SIZE:])
        if any(dialect != Dialect.SMB_2_0_2 for dialect in request.dialects):
            guid = request.client_guid
    elif seq_low:
        raise FramingError("SMB1 once more")
    return Greeting(message, seq_low, guid)


async def _pdu(sock: socket.socket) -> bytes:
    """The next that is no keep-alive."""
    while (length := length_of(await _exactly(sock, PREFIX_SIZE), NEGOTIATE_LIMIT)) is None:
        continue
    return bytes(await _exactly(sock, length))


async def _exactly(sock: socket.socket, count: int) -> bytearray:
    loop = asyncio.get_running_loop()
    data = bytearray(count)
    with memoryview(data) as view:
        done = 0
        while done < count:
            received = await loop.sock_recv_into(sock, view[done:])
            if not received:
                raise EOFError("closed by the client before its Negotiate")
            done += received
    return data
