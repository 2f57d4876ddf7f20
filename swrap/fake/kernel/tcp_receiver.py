"""The receiving side of a TCP socket: what has arrived, and what a program reads of it (tcp(7), recv(2)).

Owns the bytes that nobody has read, the end, the urgent mark (``urgent``), and why there is nothing. What befalls
the connection is ``tcp``'s, which is derived from it.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from swrap.fake.kernel.bytequeue import ByteQueue
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.urgent import Mark

if TYPE_CHECKING:
    from swrap.fake.kernel.half import Half
    from swrap.fake.kernel.host import Host

BUFFER = 1 << 20
"""Bytes that either buffer holds of a program that has chosen nothing: about what Linux's autotuning comes to."""
PEEK, DONTWAIT = int(socket.MSG_PEEK), int(socket.MSG_DONTWAIT)
OOB = int(socket.MSG_OOB)
_NO_FLAGS = ~int(socket.MSG_PEEK | socket.MSG_DONTWAIT | socket.MSG_WAITALL | socket.MSG_CMSG_CLOEXEC)


class Receiver(InetSocket):
    """``state`` is that of the connection; ``inbox`` is what has arrived, along ``incoming``."""

    __slots__ = (
        "eof", "error", "inbox", "incoming", "mark", "receive_buffer", "shut_read", "state", "was_reset",
    )  # fmt: skip

    def __init__(self, host: Host, family: int) -> None:
        super().__init__(host, family)
        self.state = "closed"
        self.inbox = ByteQueue()
        self.incoming: Half | None = None
        self.error = 0
        """SO_ERROR: told once."""
        self.eof = False
        self.shut_read = False
        self.was_reset = False
        self.mark: Mark | None = None
        """Where the urgent data is that has come last."""
        self.receive_buffer = BUFFER

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has arrived, at most ``size`` bytes; nothing at the end. Raises EAGAIN."""
        if flags & OOB:
            return self._urgent(size, flags)
        if self.mark is not None:
            return self._as_far_as_the_mark(self.mark, size, flags)
        inbox, incoming = self.inbox, self.incoming
        if incoming is None or not (inbox.size and size):
            return self._nothing(size)
        if flags:
            if flags & _NO_FLAGS:
                raise NotImplementedError("the fake network has no error queue, and no MSG_TRUNC for TCP")
            if flags & PEEK:
                return inbox.peek(size)
        data = inbox.take(size)
        if incoming.starved:
            incoming.window_opened()
        return data

    def recv_into(self, buffer: memoryview, flags: int = 0) -> int:
        """The same, into a buffer."""
        if not len(buffer) or not (self.inbox.size or self.mark):
            return len(self._nothing(len(buffer)))
        if flags & ~DONTWAIT or self.mark is not None:
            data = self.recv(len(buffer), flags)
            buffer[: len(data)] = data
            return len(data)
        count = self.inbox.take_into(buffer)
        incoming = self.incoming
        if incoming is not None and incoming.starved:
            incoming.window_opened()
        return count

    def _as_far_as_the_mark(self, mark: Mark, size: int, flags: int) -> bytes:
        if mark.before:
            size = min(size, mark.before)
        self.mark = None
        try:
            data = self.recv(size, flags)
        finally:
            if mark.before or flags & PEEK:  # otherwise it was there, and is behind us now
                self.mark = mark
        if not flags & PEEK:
            mark.before -= min(len(data), mark.before)
        return data

    def _urgent(self, size: int, flags: int) -> bytes:
        mark = self.mark
        if self.state == "listen":
            fail(errno.ENOTCONN)
        if mark is None or mark.byte is None:
            fail(errno.EINVAL)
        byte = mark.byte
        if not flags & PEEK:
            mark.byte = None
        return byte[:size]

    def _nothing(self, size: int) -> bytes:
        """Why there is nothing to read: the end, an error, or not yet."""
        if self.eof:
            return b""
        if self.error:
            self.take_error()
        if self.state == "listen" or (self.state == "closed" and not (self.was_reset or self.shut_read)):
            fail(errno.ENOTCONN)
        if self.shut_read or self.was_reset or not size:
            return b""
        fail(errno.EAGAIN)

    def readable(self) -> bool:
        """See ``File.readable``."""
        if self.inbox.size:
            return True
        if self.state != "established":
            return super().readable()
        return self.eof or self.shut_read or self.error != 0

    def urgent_arrived(self, byte: bytes) -> None:
        """See ``urgent``."""
        inline = bool(self.options.get((socket.SOL_SOCKET, socket.SO_OOBINLINE)))
        self.mark = Mark(self.inbox.size, None if inline else byte, inline)
        if inline:
            self.inbox.put(byte)

    def take_error(self) -> None:
        """Raise SO_ERROR, which is told once; nothing where there is none."""
        number, self.error = self.error, 0
        if number:
            fail(number)
