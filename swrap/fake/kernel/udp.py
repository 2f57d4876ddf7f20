"""UDP sockets (udp(7)).

Owns what a program's calls do, the queue of what has arrived, and the error that an ICMP message leaves. The way
of a datagram is ``net``'s. Called by the socket object, and by the delivery.
"""

from __future__ import annotations

import errno
import select
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from swrap.fake.kernel import ancillary, groups
from swrap.fake.kernel.address import ANY4, ANY6, Endpoint
from swrap.fake.kernel.ancillary import Sending, Told
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.net import Way

if TYPE_CHECKING:
    from swrap.fake.kernel.host import Host

BUFFER = 212_992  # /proc/sys/net/core/{r,w}mem_default
MOST = 65_507
"""Bytes of a datagram over IPv4; 20 more over IPv6."""
_COST = 768
"""What a datagram takes of the receive buffer at least: a socket buffer."""

_AS_SET = Sending()
Datagram = tuple[Endpoint, bytes, Told | None]

_PEEK, _OOB, _TRUNC = int(socket.MSG_PEEK), int(socket.MSG_OOB), int(socket.MSG_TRUNC)


class UdpSocket(InetSocket):
    """``remote``: the peer, once connected."""

    __slots__ = (
        "_kept",
        "_queued",
        "_ways",
        "asks",
        "error",
        "groups",
        "queue",
        "receive_buffer",
        "remote",
        "send_buffer",
        "sends_by",
        "shut_read",
        "shut_write",
    )

    kind = socket.SOCK_DGRAM
    protocol = socket.IPPROTO_UDP
    datagrams = True

    def __init__(self, host: Host, family: int) -> None:
        super().__init__(host, family)
        self.remote: Endpoint | None = None
        self.queue: deque[Datagram] = deque()
        self.error = 0
        self.send_buffer = self.receive_buffer = BUFFER
        self.shut_read = self.shut_write = False
        self.groups: set[tuple[str, str]] = set()
        """What it has joined: a group, and the interface."""
        self.asks = False
        """Has it set an option that asks for control messages?"""
        self.sends_by: str | None = None
        """To groups; None: the first that fits."""
        self._queued = 0
        self._kept: dict[tuple[Endpoint, Endpoint], Way] = {}
        self._ways: dict[Endpoint, tuple[Endpoint, Way]] = {}

    # --- calls

    def connect(self, endpoint: Endpoint | None) -> None:
        """Talk to ``endpoint`` alone; None: to everybody again (connect(2), AF_UNSPEC)."""
        if endpoint is None:
            self.remote = None
            return
        if self.family == socket.AF_INET6 and self.v6only and ":" not in endpoint.ip:
            fail(errno.ENETUNREACH)
        if endpoint.ip in (ANY4, ANY6):
            endpoint = Endpoint("127.0.0.1" if ":" not in endpoint.ip else "::1", endpoint.port)
        many = groups.to_many(self, endpoint.ip)
        source = groups.source_to_many(self, endpoint)[1] if many else self._source(endpoint)
        self.autobind()
        assert self.local is not None  # noqa: S101
        if self.local.ip in (ANY4, ANY6):
            self.local = Endpoint(source, self.local.port)
        self.remote = endpoint

    def sendto(
        self, data: bytes, endpoint: Endpoint | None, flags: int = 0, sending: Sending | None = None
    ) -> int:
        """Send a datagram. Raises EDESTADDRREQ, EMSGSIZE, ENETUNREACH, and what ICMP has told."""
        if self.error:
            self.take_error()
        if self.local is None:
            self.autobind()  # whatever then becomes of it
        if flags & _OOB:
            fail(errno.EOPNOTSUPP)
        target = endpoint or self.remote
        if target is None:
            fail(errno.EDESTADDRREQ)
        if self.shut_write:
            fail(errno.EPIPE)
        size = len(data)
        if size > MOST and size > MOST + (20 if ":" in target.ip else 0):
            fail(errno.EMSGSIZE)
        marks = ancillary.marks(self, target.ip, sending or _AS_SET) if sending or self.options else None
        known = self._ways.get(target)
        if known is None:
            if groups.to_many(self, target.ip):
                self._check(target)
                if sending is not None and sending.source is not None:
                    raise NotImplementedError(
                        "to a group or a broadcast: say IP_MULTICAST_IF, not IP_PKTINFO"
                    )
                groups.send_to_many(self, target, data, marks)
                return size
            known = self._way_to(target)
        source, way = known
        if sending is not None and sending.source is not None:
            source = Endpoint(sending.source, source.port)
            way = self.way_between(source, target)
        self.host.net.datagram(self, source, target, way, data, marks)
        return size

    def send(self, data: Any, flags: int = 0) -> int:
        """See send(2)."""
        return self.sendto(bytes(data), None, flags)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See recv(2)."""
        return self.recvfrom(size, flags)[0]

    def recv_into(self, buffer: memoryview, flags: int = 0) -> int:
        """The same, into a buffer."""
        whole = len(self.queue[0][1]) if self.queue else 0
        data = self.recvfrom(len(buffer), flags)[0]
        buffer[: len(data)] = data
        return whole if flags & _TRUNC else len(data)

    def _way_to(self, target: Endpoint) -> tuple[Endpoint, Way]:
        self._check(target)
        if target.ip in (ANY4, ANY6):
            return self._way_to(Endpoint("127.0.0.1" if ":" not in target.ip else "::1", target.port))
        source = Endpoint(self._source(target), self.autobind().port)
        known = self._ways[target] = source, self.way_between(source, target)
        return known

    def way_between(self, source: Endpoint, target: Endpoint) -> Way:
        """The way of datagrams from an address of this host's; the same one while it is used, to keep their order."""
        way = self._kept.get((source, target))
        if way is None:
            if len(self._kept) > 1024:
                self._kept.clear()
                self._ways.clear()
            way = self._kept[source, target] = self.host.net.way("udp", source, target, self.host.name)
        return way

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Endpoint | None, int]:
        """The oldest datagram, who sent it, and MSG_TRUNC where ``size`` cut it. Raises EAGAIN."""
        if self.error:
            self.take_error()
        if not self.queue:
            fail(errno.EAGAIN)  # even after a shutdown, unless the call may block
        source, data, _ = self.queue[0]
        if not flags & _PEEK:
            self.queue.popleft()
            self._queued -= len(data) + _COST
        cut = len(data) > size
        return (data[:size] if cut else data), source, socket.MSG_TRUNC if cut else 0

    def recvmsg(self, size: int, room: int, flags: int) -> tuple[bytes, list[Any], int, Endpoint | None]:
        """The same, with the control messages that it has asked for, as far as there is room."""
        told = self.queue[0][2] if self.queue else None
        data, source, cut = self.recvfrom(size, flags)
        found, lost = ancillary.messages(self, told, room)
        return data, found, cut | lost, source

    def shutdown(self, how: int) -> None:
        """See shutdown(2). Raises ENOTCONN."""
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            fail(errno.EINVAL)
        self.shut_read |= how != socket.SHUT_WR
        self.shut_write |= how != socket.SHUT_RD
        self.changed()
        if self.remote is None:
            fail(errno.ENOTCONN)

    def last_close(self) -> None:
        """See ``File``."""
        if self.local is not None:
            self.host.udp.release(self, self.local.port)

    def poll(self) -> int:
        """See ``File``."""
        mask = select.POLLOUT
        if self.queue or self.shut_read:
            mask |= select.POLLIN
        if self.error:
            mask |= select.POLLERR
        if self.shut_read:
            mask |= select.POLLRDHUP | (select.POLLHUP if self.shut_write else 0)
        return mask

    def take_error(self) -> None:
        """Raise SO_ERROR, once."""
        number, self.error = self.error, 0
        if number:
            fail(number)

    # --- what the network does to it

    def arrived(self, source: Endpoint, data: bytes, told: Told | None = None) -> None:
        """A datagram; dropped where the buffer is full."""
        cost = len(data) + _COST
        if self._queued + cost > self.receive_buffer and self.queue:
            return
        self._queued += cost
        self.queue.append((source, data, told))
        self.changed()

    def unreachable(self, target: Endpoint) -> None:
        """ICMP says that nobody is there: a connected socket is told (udp(7))."""
        if self.remote == target:
            self.error = errno.ECONNREFUSED
            self.changed()

    # --- within

    def _source(self, target: Endpoint) -> str:
        if self.local is not None and self.local.ip not in (ANY4, ANY6) and self.host.has(self.local.ip):
            return self.local.ip
        return self.host.net.source(self.host.name, target.ip)

    def _check(self, target: Endpoint) -> None:
        if self.family == socket.AF_INET6 and self.v6only and ":" not in target.ip:
            fail(errno.ENETUNREACH)
        if target.port == 0:
            fail(errno.EINVAL)
