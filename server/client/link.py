"""One TCP connection as a stream of PDUs.

Owns the socket, through asyncio, and the framing. Must not know SMB2. A small PDU is cut out of a shared read
buffer; a big one is received straight into its own. Called by ``channel``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from server.wire.buffers import Buffer
from server.wire.errors import WireError
from server.wire.framing import PREFIX_SIZE, length_of

_SCRATCH = 64 * 1024


class Link(asyncio.BufferedProtocol):
    """``on_pdu`` gets each PDU, its own buffer; ``on_closed`` is called once, with the reason.

    An exception from ``on_pdu`` that is a WireError closes the connection, with its text as the reason.
    """

    def __init__(self, on_pdu: Callable[[bytes | bytearray], None], on_closed: Callable[[str], None]) -> None:
        self._on_pdu = on_pdu
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._scratch = bytearray(_SCRATCH)
        self._have = 0
        self._big: bytearray | None = None
        self._reason: str | None = None
        self._closed = False
        self.done = asyncio.Event()
        """Set when the socket is closed."""
        self.given = 0
        """Bytes given to ``send`` so far."""
        self.heard = 0
        """Bytes received so far."""

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        on_pdu: Callable[[bytes | bytearray], None],
        on_closed: Callable[[str], None],
        *,
        local: str | None = None,
    ) -> Link:
        """Connect to a numeric address. OSError: it failed; a time limit is the caller's to set."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(
            lambda: cls(on_pdu, on_closed), host, port, local_addr=(local, 0) if local else None
        )
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # create_connection makes no other
        self._transport = transport
        # The window, not the transport's buffer, bounds what is under way: no need to be called back.
        transport.set_write_buffer_limits(high=1 << 30)

    @property
    def socket(self) -> socket.socket:
        """The connected socket, to ask questions of. OSError: closed."""
        if self._transport is None or self._closed:
            raise OSError("the connection is closed")
        sock: socket.socket = self._transport.get_extra_info("socket")
        return sock

    @property
    def passed_on(self) -> int:
        """Bytes that the kernel has taken so far."""
        return self.given - (self._transport.get_write_buffer_size() if self._transport else 0)

    def send(self, parts: Sequence[Buffer]) -> None:
        """Queue one PDU, prefix first. Does nothing once the connection is closed."""
        if self._transport is None or self._closed or self._transport.is_closing():
            return
        for part in parts:
            self.given += len(part)
            self._transport.write(part)

    def close(self, reason: str) -> None:
        """End the connection after what is queued has gone out."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """End the connection now; queued bytes are dropped."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        target = self._scratch if self._big is None else self._big
        return memoryview(target)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        self.heard += nbytes
        self._have += nbytes
        try:
            self._consume()
        except WireError as error:
            self.abort(str(error))

    def _consume(self) -> None:
        if self._big is not None:
            if self._have == len(self._big):
                pdu, self._big, self._have = self._big, None, 0
                self._on_pdu(pdu)
            return
        view = memoryview(self._scratch)
        start = 0
        while self._have - start >= PREFIX_SIZE:
            length = length_of(view[start : start + PREFIX_SIZE])
            if length is None:  # A keep-alive.
                start += PREFIX_SIZE
                continue
            body, end = start + PREFIX_SIZE, start + PREFIX_SIZE + length
            if end > self._have:
                if length + PREFIX_SIZE > _SCRATCH:
                    self._big = bytearray(length)
                    self._big[: self._have - body] = view[body : self._have]
                    self._have -= body
                    return
                break
            self._on_pdu(bytes(view[body:end]))
            start = end
        rest = self._have - start
        if start and rest:
            self._scratch[:rest] = bytes(view[start : self._have])
        self._have = rest

    def eof_received(self) -> bool:
        self._reason = self._reason or "closed by the server"
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self.done.set()
        self._on_closed(self._reason or (str(exc) if exc else "closed by the server"))
