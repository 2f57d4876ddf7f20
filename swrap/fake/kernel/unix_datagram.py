"""AF_UNIX datagrams (unix(7)): reliable, in order, with a short queue.

Owns who is told when a full queue has room again.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.unix import ERR, HUP, IN, OOB, OUT, RDHUP, Credentials, Message, UnixSocket
from swrap.fake.kernel.unix_names import UnixNames

QUEUE = 10  # /proc/sys/net/unix/max_dgram_qlen: more than so many wait, and a sender must

_PEEK = int(socket.MSG_PEEK)


class UnixDatagram(UnixSocket):
    """``peer``: whom it is connected to."""

    __slots__ = ("awaiting", "gone", "peer")

    kind = socket.SOCK_DGRAM

    def __init__(self, names: UnixNames, credentials: Credentials) -> None:
        super().__init__(names, credentials)
        self.peer: UnixDatagram | None = None
        self.gone = False
        self.awaiting: dict[UnixDatagram, None] = {}
        """Those that found the queue full."""

    def connect(self, name: str | bytes | None) -> None:
        """See connect(2); None: talk to anybody again."""
        self.peer = None if name is None else self._found(name)

    def join(self, other: UnixDatagram) -> None:
        """Be a pair (socketpair(2))."""
        self.peer, other.peer = other, self
        self.peer_credentials, other.peer_credentials = other.credentials, self.credentials

    def send(self, data: Any, flags: int = 0) -> int:
        """See send(2)."""
        return self.sendmsg(data, (), flags, None)

    def sendmsg(self, data: Any, files: tuple[File, ...], flags: int, name: str | bytes | None) -> int:
        """Send a datagram, with files. Raises ENOTCONN, EDESTADDRREQ, ECONNREFUSED, EMSGSIZE, EAGAIN, EPIPE."""
        if flags & OOB:
            fail(errno.EOPNOTSUPP)
        if self.error:
            self.take_error()
        if self.shut_write:
            fail(errno.EPIPE)
        target = self.peer if name is None else self._found(name)
        if target is None:
            fail(errno.ENOTCONN)
        size = len(data)
        if size > self.send_buffer - 32:
            fail(errno.EMSGSIZE)
        if target.gone:
            if target is self.peer:
                self.peer = None
                self._drop_inbox()  # as Linux does when a connection ends so
            fail(errno.ECONNREFUSED)
        if target.shut_read:
            fail(errno.EPIPE)
        if target.peer is not None and target.peer is not self:
            fail(errno.EPERM)
        if target.full and target is not self:
            target.awaiting[self] = None
            fail(errno.EAGAIN)
        for file in files:
            file.hold()
        target.inbox.append(Message(data if type(data) is bytes else bytes(data), files, self.name))
        target.changed()
        return size

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See recv(2); files that come along are let go."""
        data, files, _, _ = self.recvmsg(size, flags)
        for file in files:
            file.release()
        return data

    def recv_into(self, buffer: memoryview, flags: int = 0) -> int:
        """The same, into a buffer."""
        data = self.recv(len(buffer), flags)
        buffer[: len(data)] = data
        return len(data)

    def recvmsg(self, size: int, flags: int) -> tuple[bytes, tuple[File, ...], int, str | bytes | None]:
        """A datagram, the files that came with it (the caller holds them now), MSG_TRUNC, its sender's name."""
        if flags & OOB:
            fail(errno.EOPNOTSUPP)
        if self.error:
            self.take_error()
        if not self.inbox:
            fail(errno.EAGAIN)  # even after a shutdown, unless the call may block
        message = self.inbox[0]
        if flags & _PEEK:
            for file in message.files:
                file.hold()
        else:
            self.inbox.popleft()
            waiting, self.awaiting = self.awaiting, {}
            for one in waiting:
                one.changed()
        cut = socket.MSG_TRUNC if len(message.data) > size else 0
        return bytes(message.data[:size]), message.files, cut, message.name

    @property
    def full(self) -> bool:
        """Must a sender wait?"""
        return len(self.inbox) > QUEUE

    def shutdown(self, how: int) -> None:
        """See shutdown(2)."""
        self.shut_read |= how != socket.SHUT_WR
        self.shut_write |= how != socket.SHUT_RD
        self.changed()

    def last_close(self) -> None:
        """See ``File``."""
        self.gone = True
        peer, self.peer = self.peer, None
        if peer is not None and peer.peer is self:
            peer.changed()
        for one in self.awaiting:
            one.changed()
        super().last_close()

    def poll(self) -> int:
        """See ``File``."""
        mask = ERR if self.error else 0
        if self.inbox or self.shut_read:
            mask |= IN
        if self.shut_read:
            mask |= RDHUP | (HUP if self.shut_write else 0)
        peer = self.peer
        if peer is not None and peer.full and not peer.gone:
            peer.awaiting[self] = None
        else:
            mask |= OUT
        return mask

    def _found(self, name: str | bytes) -> UnixDatagram:
        found = self.names.find(name)
        if not isinstance(found, UnixDatagram):
            fail(errno.EPROTOTYPE)
        return found
