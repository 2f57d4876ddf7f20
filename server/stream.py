"""A TCP connection as PDUs: reads them off, queues them out, never blocks, never copies a large one.
 Owns the socket from the moment it is given. Knows the length prefix and nothing of what is behind it. Called
by the worker; the core sees it as its `Wire`.
 A large PDU is received straight into its own buffer, which grows as its bytes come. When the peer does not take its
answers, or when too much work is under way for it, reading stops until that is better.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

from server.core.connection import Progress
from server.ports.sockets import SocketQueries
from server.wire.buffers import Buffer
from server.wire.errors import FramingError
from server.wire.framing import PREFIX_SIZE, length_of

_STAGE = 64 * 1024
_AT_ONCE = 1024 * 1024
"""Bytes of a large PDU that memory is taken for before they have come; then for as many again."""
_HIGH_WATER = 16 * 1024 * 1024
_LOW_WATER = 4 * 1024 * 1024
_READS = 8
"""Reads in one go before others have their turn."""
_GATHER = 64


class Stream:
    """`received(pdu)` gets each PDU without its prefix, `lost(reason)` the end, once, whoever brought it
    about.

    `limit`: the longest PDU that is taken, in bytes; may change as a peer becomes trusted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        *,
        limit: int,
        queries: SocketQueries,
        received: Callable[[bytes | bytearray], None],
        lost: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)
        self.limit = limit
        self._loop = loop
        self._socket = sock
        self._queries = queries
        self._received = received
        self._lost = lost
        self._stage = bytearray(_STAGE)
        self._view = memoryview(self._stage)
        self._staged = 0
        self._large: bytearray | None = None
        self._filled = self._length = 0
        self._out: deque[memoryview] = deque()
        self._queued = 0
        self._taken = 0
        self._reading = False
        self._writing = False
        self._held = False
        self._closing: str | None = None
        self._lingering = False
        self._over = False

    @property
    def socket(self) -> socket.socket:
        return self._socket

    @property
    def queued(self) -> int:
        """Bytes that the peer's TCP has still to take."""
        return self._queued

    def start(self, unread: bytes = b"") -> None:
        """Begin to read. A first PDU that was read before is the caller's to hand on; `unread` comes after it."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._view[: len(unread)] = unread
        self._staged = len(unread)
        self.go_on()

    def hold(self) -> None:
        """Take nothing more off the stream, and hand on nothing of what was."""
        self._held = True
        self._pause()

    def go_on(self) -> None:
        """After a `hold`."""
        self._held = False
        try:
            self._take()
        except FramingError as error:
            self._end(str(error))
        self._resume()

    @property
    def unread(self) -> bytes:
        """What was taken off the held stream and not handed on."""
        return bytes(self._view[: self._staged])

    def detach(self) -> None:
        """Give the held socket up without ending the connection, which another process has."""
        self._over = True
        self._socket.close()

    def send(self, parts: list[Buffer]) -> None:
        if self._over or self._closing is not None:
            return
        if len(parts) == 1 and not self._out:
            try:  # past the queue, which is empty
                count = self._socket.send(parts[0])
            except OSError:
                count = 0  # the queue finds out why
            self._taken += count
            if count == len(parts[0]):
                return
            parts = [memoryview(parts[0])[count:]]
        for part in parts:
            self._out.append(memoryview(part))
            self._queued += len(part)
            self._taken += len(part)
        if self._out and not self._writing:
            self._flush()
        if self._queued > _HIGH_WATER:
            self._pause()

    def close(self, reason: str) -> None:
        """Read no more; send what is queued, then end."""
        if self._over or self._closing is not None:
            return
        self._closing = reason
        self._pause()
        if not self._out:
            self._sent_all(reason)

    def finish(self, reason: str) -> None:
        """Read no more; send what is queued and the end of the stream, and go when the peer has, too. A close with
        something unread would be a reset, which takes answers from the peer that it has not read yet.
        """
        self._lingering = True
        self.close(reason)

    def progress(self) -> Progress:
        try:
            delivery = self._queries.delivery(self._socket)
        except OSError:
            return Progress(self._taken, 0, 0.0)
        return Progress(self._taken, self._taken - self._queued - delivery.unacked, delivery.rto)

    def abort(self, reason: str) -> None:
        """End at once, whatever is queued."""
        self._end(reason)

    def _resume(self) -> None:
        if not self._reading and not self._over and not self._held and self._closing is None:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def _readable(self) -> bool:
        """Whether there was something, so that more may be there by now."""
        try:
            for _ in range(_READS):
                if not self._reading or not self._read():
                    break
        except FramingError as error:
            self._end(str(error))
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._end(f"read: {error.strerror}")
        return True

    def _read(self) -> bool:
        """One recv and what follows from it. False: nothing more to expect at once."""
        if self._large is not None:
            with memoryview(self._large) as whole:
                wanted = len(whole) - self._filled
                count = self._socket.recv_into(whole[self._filled :])
            self._filled += count
            if count and self._filled == len(self._large):
                self._filled_up(self._large)
        else:
            wanted = _STAGE - self._staged
            count = self._socket.recv_into(self._view[self._staged :] if self._staged else self._stage)
            self._staged += count
            if count:
                self._take()
        if count == 0:
            self._end("closed by the peer")
        return count == wanted

    def _filled_up(self, large: bytearray) -> None:
        """It is whole; or it gets more room, now that what was announced has begun to come."""
        left = self._length - len(large)
        if left:
            large += bytes(min(left, len(large)))
        else:
            self._large = None
            self._received(large)

    def _take(self) -> None:
        """Hand on every whole PDU in the stage; begin a large one."""
        start = 0
        while self._staged - start >= PREFIX_SIZE and self._large is None and not (self._over or self._held):
            length = length_of(self._stage, self.limit, start)
            begin = start + PREFIX_SIZE
            if length is None:
                start = begin
            elif begin + length <= self._staged:
                start = begin + length
                self._received(self._stage[begin:start])
            elif PREFIX_SIZE + length <= _STAGE:
                break
            else:
                self._filled = self._staged - begin
                self._length, self._large = length, bytearray(min(length, _AT_ONCE))
                self._large[: self._filled] = self._view[begin : self._staged]
                start = self._staged
        rest = self._staged - start
        if start and rest:
            self._stage[:rest] = bytes(self._view[start : self._staged])
        self._staged = rest

    def _flush(self) -> None:
        try:
            while self._out:
                parts = [self._out[i] for i in range(min(len(self._out), _GATHER))]
                self._sent(self._socket.sendmsg(parts))
        except (BlockingIOError, InterruptedError):
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._socket.fileno(), self._flush)
            return
        except OSError as error:
            self._end(f"write: {error.strerror}")
            return
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
        if self._closing is not None:
            self._sent_all(self._closing)

    def _sent(self, count: int) -> None:
        self._queued -= count
        while count:
            first = self._out[0]
            if count < len(first):
                self._out[0] = first[count:]
                break
            count -= len(first)
            self._out.popleft()
        if self._queued < _LOW_WATER:
            self._resume()

    def _sent_all(self, reason: str) -> None:
        """It is closing, and the last answer is out."""
        if not self._lingering:
            self._end(reason)
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(reason)
            return
        self._reading = True
        self._loop.add_reader(self._socket.fileno(), self._discard, reason)

    def _discard(self, reason: str) -> None:
        try:
            while self._socket.recv_into(self._stage):
                continue
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            reason = f"read: {error.strerror}"
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self._pause()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
        self._out.clear()
        # The process that handed the socket over may still have it: only a shutdown ends it for the peer.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._lost(reason)
