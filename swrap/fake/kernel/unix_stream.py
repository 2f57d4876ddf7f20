"""AF_UNIX streams and sequenced packets (unix(7)): connections within the machine, which take no time.

Owns both ends of a connection and the listener. A packet is a message that reads do not glue to the next.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from typing import Any

from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.tcp import MAX_BACKLOG
from swrap.fake.kernel.unix import ERR, HUP, IN, OOB, OUT, RDHUP, Credentials, Message, UnixSocket
from swrap.fake.kernel.unix_names import UnixNames

_PACKETS = 10  # /proc/sys/net/unix/max_dgram_qlen

_PEEK = int(socket.MSG_PEEK)


class UnixStream(UnixSocket):
    """``unread`` bytes of what this end has sent are still in the peer's inbox."""

    __slots__ = ("accept_queue", "awaiting", "backlog", "kind", "peer", "state", "unread")

    def __init__(self, names: UnixNames, credentials: Credentials, kind: int = socket.SOCK_STREAM) -> None:
        super().__init__(names, credentials)
        self.kind = kind
        self.state = "closed"
        self.peer: UnixStream | None = None
        self.unread = 0
        self.backlog = 0
        self.accept_queue: deque[UnixStream] = deque()
        self.awaiting: list[UnixStream] = []
        """Who found the accept queue full."""

    # --- connections

    def listen(self, backlog: int) -> None:
        """See listen(2)."""
        if self.name is None or self.state not in ("closed", "listen"):
            fail(errno.EINVAL)
        self.state = "listen"
        self.backlog = min(max(backlog, 0), MAX_BACKLOG)
        self.peer_credentials = self.credentials

    def connect(self, name: str | bytes) -> None:
        """See connect(2). Raises ECONNREFUSED, EPROTOTYPE, EISCONN, EAGAIN where the backlog is full."""
        if self.state == "listen":
            fail(errno.EINVAL)
        if self.state != "closed":
            fail(errno.EISCONN)
        listener = self.names.find(name)
        if listener.kind != self.kind:
            fail(errno.EPROTOTYPE)
        if listener.state != "listen" or listener.shut_read:
            fail(errno.ECONNREFUSED)
        if len(listener.accept_queue) > listener.backlog:
            listener.awaiting.append(self)
            fail(errno.EAGAIN)
        server = UnixStream(self.names, listener.credentials, self.kind)
        server.name = listener.name
        self.join(server)
        server.peer_credentials, self.peer_credentials = self.credentials, listener.peer_credentials
        listener.accept_queue.append(server)
        listener.changed()

    def join(self, other: UnixStream) -> None:
        """Be a pair (socketpair(2))."""
        self.peer, other.peer = other, self
        self.state = other.state = "established"
        self.peer_credentials, other.peer_credentials = other.credentials, self.credentials

    def accept(self) -> UnixStream:
        """See accept(2). Raises EAGAIN, EINVAL."""
        if self.state != "listen" or self.shut_read:
            fail(errno.EINVAL)
        if not self.accept_queue:
            fail(errno.EAGAIN)
        waiting, self.awaiting = self.awaiting, []
        taken = self.accept_queue.popleft()
        for one in waiting:
            one.changed()
        return taken

    # --- bytes

    def send(self, data: Any, flags: int = 0) -> int:
        """See send(2)."""
        return self.sendmsg(data, (), flags, None)

    def check_packets(self) -> None:
        """Raise what a packet meets before anybody looks at the descriptors that it would carry."""
        if self.kind == socket.SOCK_SEQPACKET:
            self.take_error()
            if self.peer is None:
                fail(errno.ENOTCONN)

    def sendmsg(self, data: Any, files: tuple[File, ...], flags: int, name: Any) -> int:
        """Send, with files. A packet goes whole or not at all. Raises EAGAIN, EPIPE, ENOTCONN, EMSGSIZE."""
        self.check_packets()
        peer = self.peer
        if name is not None and self.kind == socket.SOCK_STREAM:
            fail(errno.EISCONN if peer is not None else errno.EOPNOTSUPP)
        if peer is None:
            fail(errno.ENOTCONN)
        if self.shut_write:
            fail(errno.EPIPE)
        if flags & OOB:
            if self.kind != socket.SOCK_STREAM:
                fail(errno.EOPNOTSUPP)
            raise NotImplementedError("the fake network has no urgent data (MSG_OOB) on AF_UNIX")
        size = len(data)
        room = self.send_buffer - self.unread
        if self.kind == socket.SOCK_STREAM:
            if not size:
                return 0
            if room <= 0:
                fail(errno.EAGAIN)
            if room < size:
                data, size = data[:room], room
        elif size > self.send_buffer - 32:
            fail(errno.EMSGSIZE)
        elif room < size or len(peer.inbox) > _PACKETS:
            fail(errno.EAGAIN)
        for file in files:
            file.hold()
        peer.inbox.append(Message(data if type(data) is bytes else bytes(data), files, self.name))
        self.unread += size
        peer.changed()
        return size

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See recv(2); files that come along are let go."""
        data, files, _ = self.recvmsg(size, flags)
        if not flags & _PEEK:
            for file in files:
                file.release()
        return data

    def recv_into(self, buffer: memoryview, flags: int = 0) -> int:
        """The same, into a buffer."""
        data = self.recv(len(buffer), flags)
        buffer[: len(data)] = data
        return len(data)

    def recvmsg(self, size: int, flags: int) -> tuple[bytes, tuple[File, ...], int]:
        """Bytes, the files that came with them (the caller holds them now), and MSG_TRUNC, MSG_EOR flags."""
        if self.state in ("closed", "listen"):
            fail(errno.EINVAL if self.kind == socket.SOCK_STREAM else errno.ENOTCONN)
        if flags & OOB:
            fail(errno.EINVAL if self.kind == socket.SOCK_STREAM else errno.EOPNOTSUPP)
        inbox = self.inbox
        if self.error and self.kind != socket.SOCK_STREAM:
            self.take_error()
        if not inbox:
            if self.error:
                self.take_error()
            if self.shut_read:
                return b"", (), 0
            fail(errno.EAGAIN)
        if flags & _PEEK:
            return self._peeked(size)
        if self.kind != socket.SOCK_STREAM:
            message = inbox.popleft()
            self._took(len(message.data))
            cut = len(message.data) > size
            return bytes(message.data[:size]), message.files, socket.MSG_TRUNC if cut else 0
        parts: list[bytes | memoryview] = []
        files: tuple[File, ...] = ()
        left = size
        while inbox and left and not files:
            message = inbox[0]
            files = message.files
            if len(message.data) > left:
                parts.append(message.data[:left])
                inbox[0] = Message(memoryview(message.data)[left:], (), message.name)
                left = 0
            else:
                inbox.popleft()
                parts.append(message.data)
                left -= len(message.data)
        self._took(size - left)
        return (bytes(parts[0]) if len(parts) == 1 else b"".join(parts)), files, 0

    def _peeked(self, size: int) -> tuple[bytes, tuple[File, ...], int]:
        first = self.inbox[0]
        if self.kind != socket.SOCK_STREAM:
            data = bytes(first.data[:size])
        else:
            data = b"".join(message.data for message in self.inbox)[:size]
        for file in first.files:
            file.hold()
        return (
            data,
            first.files,
            socket.MSG_TRUNC if len(first.data) > size and self.kind != socket.SOCK_STREAM else 0,
        )

    def _took(self, size: int) -> None:
        peer = self.peer
        if peer is not None:
            was_full = 4 * peer.unread > peer.send_buffer or self.kind != socket.SOCK_STREAM
            peer.unread -= size
            if was_full:
                peer.changed()

    # --- the end

    def shutdown(self, how: int) -> None:
        """See shutdown(2)."""
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            fail(errno.EINVAL)
        self.shut_read |= how != socket.SHUT_WR
        self.shut_write |= how != socket.SHUT_RD
        self.changed()
        if self.peer is not None:
            self.peer.shut_read |= how != socket.SHUT_RD
            self.peer.shut_write |= how != socket.SHUT_WR
            self.peer.changed()

    def last_close(self) -> None:
        """See ``File``. What nobody has read makes it a reset for the peer."""
        unread = bool(self.inbox)
        listening = self.state == "listen"
        self.state = "gone"
        if not (listening or self.peer is None):
            if unread:
                self.peer.error = errno.ECONNRESET
            self.peer.shut_read = self.peer.shut_write = True
            self.peer.changed()
        for child in self.accept_queue:
            child.last_close()
            if child.peer is not None:
                child.peer.error = errno.ECONNRESET
        self.accept_queue.clear()
        for one in self.awaiting:
            one.changed()
        super().last_close()

    def poll(self) -> int:
        """See ``File``."""
        mask = ERR if self.error else 0
        if self.state == "listen":
            return mask | (IN if self.accept_queue else 0)
        if self.shut_read:
            mask |= IN | RDHUP | (HUP if self.shut_write else 0)
        if self.peer is None:
            return mask | HUP | OUT
        if self.inbox:
            mask |= IN
        if 4 * self.unread <= self.send_buffer:
            mask |= OUT
        return mask
