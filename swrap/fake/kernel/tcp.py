"""TCP sockets: the state of one end, and what a program's calls do to it (tcp(7)).

Owns listen, connect, accept, send, shutdown, close, and the errors that they raise. What has arrived and is read is
``tcp_receiver``'s, bytes under way are ``half``'s, the handshake is ``handshake``'s. Called by the socket object, the
handshake and the halves.
"""

from __future__ import annotations

import errno
import select
import socket
from typing import TYPE_CHECKING, Any

from swrap.fake.kernel.address import Endpoint
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.half import FIN, Half
from swrap.fake.kernel.net import Flow
from swrap.fake.kernel.tcp_receiver import BUFFER, OOB, Receiver
from swrap.fake.kernel.urgent import Urgent

if TYPE_CHECKING:
    from swrap.fake.kernel.handshake import Syn
    from swrap.fake.kernel.host import Host

IN, OUT, ERR, HUP, RDHUP = select.POLLIN, select.POLLOUT, select.POLLERR, select.POLLHUP, select.POLLRDHUP
PRI = select.POLLPRI
MAX_BACKLOG = 4096  # /proc/sys/net/core/somaxconn
_NO_FLAGS = ~int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL | socket.MSG_MORE | socket.MSG_OOB)


class TcpSocket(Receiver):
    """One end. ``outgoing`` and ``incoming`` exist once there is a connection."""

    __slots__ = (
        "accept_queue",
        "awaits_room",
        "backlog",
        "deaf",
        "failed",
        "flow",
        "is_new",
        "linger",
        "outgoing",
        "remote",
        "send_buffer",
        "shut_write",
        "syn",
    )  # fmt: skip

    kind = socket.SOCK_STREAM
    protocol = socket.IPPROTO_TCP
    datagrams = False
    accept_queue: list[TcpSocket]
    """There is one while it listens."""

    def __init__(self, host: Host, family: int) -> None:
        super().__init__(host, family)
        self.remote: Endpoint | None = None
        self.outgoing: Half | None = None
        self.flow: Flow | None = None
        self.syn: Syn | None = None
        self.is_new = False
        """It was connected, and no call of connect has said so."""
        self.failed = False
        """A handshake came to nothing, and no call of connect has said so."""
        self.deaf = False
        """Nobody will ever read what arrives."""
        self.shut_write = False
        self.awaits_room = False
        self.linger: tuple[int, int] = (0, 0)
        self.backlog = 0
        self.send_buffer = BUFFER

    @property
    def listening(self) -> bool:
        """Does it take connections?"""
        return self.state == "listen"

    # --- calls

    def listen(self, backlog: int) -> None:
        """See listen(2)."""
        if self.state not in ("closed", "listen") or self.was_reset:
            fail(errno.EINVAL)
        self.host.listen(self)
        if self.state != "listen":
            self.accept_queue = []
        self.backlog = min(max(backlog, 0) & 0xFFFFFFFF, MAX_BACKLOG)
        self.state = "listen"

    def connect(self, endpoint: Endpoint) -> None:
        """Begin a handshake; raises EINPROGRESS, since none is ever done at once."""
        if self.state == "syn-sent":
            fail(errno.EALREADY)
        if self.state == "established":
            if self.is_new:
                self.is_new = False
                return
            fail(errno.EISCONN)
        if self.state == "listen":
            fail(errno.EISCONN)
        if self.failed:
            self._begin_again()
            if self.error:
                self.take_error()
            fail(errno.ECONNABORTED)
        if self.outgoing is not None:
            fail(errno.EISCONN)  # it was connected once
        self.host.connect(self, endpoint)
        fail(errno.EINPROGRESS)

    def connect_outcome(self) -> None:
        """What a call that has waited for the handshake comes to. Raises ECONNREFUSED, ETIMEDOUT …"""
        self.is_new = False
        if self.failed:
            self._begin_again()
        self.take_error()

    def _begin_again(self) -> None:
        """It is as good as new, but for its address if that was asked for."""
        self.failed = self.was_reset = self.eof = self.shut_read = self.shut_write = False
        self.outgoing = self.incoming = None
        if not self.explicit:
            self.local = None

    def accept(self) -> TcpSocket:
        """The oldest connection that nobody took. Raises EAGAIN, EINVAL."""
        if self.state != "listen":
            fail(errno.EINVAL)
        if not self.accept_queue:
            fail(errno.EAGAIN)
        taken = self.accept_queue.pop(0)
        if taken.flow is not None:
            taken.flow.accepted()
        return taken

    def send(self, data: Any, flags: int = 0) -> int:
        """Take as much as there is room for. Raises EAGAIN where there is none."""
        if flags & _NO_FLAGS:
            raise NotImplementedError("the fake network has no zero-copy and no fast open")
        if self.error:
            self.take_error()
        out = self.outgoing
        if out is None or self.shut_write or self.was_reset:
            fail(errno.EAGAIN if self.state == "syn-sent" else errno.EPIPE)
        size, room = len(data), self.send_buffer - out.sent + out.acked
        if room < size and (room := self.send_buffer - out.unacked()) < size:
            self.awaits_room = True
            if room <= 0:
                fail(errno.EAGAIN)
            data, size = data[:room], room
        if flags & OOB and size:
            if size > 1:
                out.push(bytes(data[: size - 1]))
            out.push(Urgent(data[size - 1 : size]))
        elif size:
            out.push(data if type(data) is bytes else bytes(data))
        return size

    def shutdown(self, how: int) -> None:
        """See shutdown(2)."""
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            fail(errno.EINVAL)
        if self.state == "listen":
            if how != socket.SHUT_WR:
                self._unlisten()
                self.changed()
            return
        if self.state == "syn-sent" and how != socket.SHUT_RD:
            self._abandon()
            self.was_reset = True
            self.changed()
            return
        if how != socket.SHUT_WR:
            self.shut_read = True
        if self.outgoing is None or self.state == "closed":
            self.shut_write |= how != socket.SHUT_RD
            fail(errno.ENOTCONN)
        if how != socket.SHUT_RD and not self.shut_write:
            self.shut_write = True
            self.outgoing.push(FIN)
            self._maybe_over()
        self.changed()

    def last_close(self) -> None:
        """The end of the program's interest; TCP goes on by itself (tcp(7))."""
        if self.state == "listen":
            self._unlisten()
        elif self.state == "syn-sent":
            self._abandon()
        elif self.outgoing is not None and self.state == "established":
            self.deaf = True
            if self.inbox.size or self.linger == (1, 0):
                self.inbox.clear()
                self._send_reset()
                return
            if not self.shut_write:
                self.shut_write = True
                self.outgoing.push(FIN)
            self._maybe_over()
            return
        self._let_go()

    # --- readiness

    def writable(self) -> bool:
        """Is a third of the send buffer free?"""
        out = self.outgoing
        return out is None or self.was_reset or 3 * out.unacked() <= 2 * self.send_buffer

    def poll(self) -> int:
        """See ``File.poll``."""
        if self.state == "listen":
            return IN if self.accept_queue else 0
        mask = ERR if self.error else 0
        if self.state == "syn-sent":
            return mask
        if self.outgoing is None or self.was_reset:
            return mask | HUP | OUT | (IN | RDHUP if self.was_reset or self.shut_read else 0)
        ended = self.eof or self.shut_read
        if ended:
            mask |= IN | RDHUP
            if self.shut_write:
                mask |= HUP
        elif self.inbox.size:
            mask |= IN
        if self.mark is not None and self.mark.pending:
            mask |= PRI
        if self.shut_write or self.writable():
            mask |= OUT
        else:
            self.awaits_room = True
        return mask

    # --- what the network does to it

    def established(self, remote: Endpoint, outgoing: Half, incoming: Half, flow: Flow) -> None:
        """There is a connection now."""
        self.state = "established"
        self.is_new, self.syn = self.syn is not None, None
        self.remote = remote
        self.outgoing, self.incoming, self.flow = outgoing, incoming, flow

    def fin_arrived(self) -> None:
        """The peer sends nothing more."""
        self.eof = True
        self.changed()
        self._maybe_over()

    def connect_failed(self, number: int) -> None:
        """The handshake came to nothing."""
        self.syn = None
        self.state = "closed"
        self.error = number
        self.failed = True
        self.was_reset = True
        self._free_port()
        self.changed()

    @property
    def refuses(self) -> bool:
        """Will nobody read what comes now? Closed, or shut down both ways (RFC 1122, 4.2.2.13)."""
        return self.deaf or (self.shut_write and self.shut_read)

    def refuse(self) -> None:
        """Bytes came that nobody will read: a RST goes back."""
        self.error = errno.ECONNRESET
        self._send_reset()

    def reset(self, number: int = errno.ECONNRESET) -> None:
        """A RST has come, or a fault has made one."""
        if self.was_reset or self.outgoing is None:
            return
        self.error = errno.EPIPE if self.eof and number == errno.ECONNRESET else number
        self._ended(number)

    def timed_out(self) -> None:
        """Nothing was acknowledged for too long: given up, and the peer is not told."""
        self.reset(errno.ETIMEDOUT)

    def _send_reset(self) -> None:
        outgoing = self.outgoing
        self._ended(errno.ECONNRESET)
        if outgoing is not None:
            peer, way, net = outgoing.receiver, outgoing.way, self.host.net
            net.at(way.arrival(0), lambda _: None if way.dead else peer.reset(), None)

    def _ended(self, number: int) -> None:
        """Both directions are over for this end."""
        self.was_reset = True
        self.state = "closed"
        if self.outgoing is not None:
            self.outgoing.stop()
        if self.flow is not None:
            self.flow.closed(number)
        self._let_go()
        self.changed()

    def _maybe_over(self) -> None:
        """Have both FINs arrived?"""
        out, into = self.outgoing, self.incoming
        if out is not None and into is not None and out.done and into.done and self.flow is not None:
            self.flow.closed(0)
            for end in (self, out.receiver):
                end.state = "closed"
                if end.deaf:
                    end._let_go()

    def _unlisten(self) -> None:
        self.state = "closed"
        self.host.unlisten(self)
        queue, self.accept_queue = self.accept_queue, []
        for child in queue:
            child.deaf = True
            child._send_reset()

    def _abandon(self) -> None:
        syn, self.syn = self.syn, None
        self.state = "closed"
        if syn is not None:
            syn.abandon()

    def _let_go(self) -> None:
        if self.deaf or not self.holders:
            self._free_port()

    def _free_port(self) -> None:
        if self.local is not None and not (self.holders and self.explicit):
            self.host.tcp.release(self, self.local.port)

    def inherit(self, listener: TcpSocket, local: Endpoint) -> None:
        """It is a child of ``listener``: the same port, buffers and options (tcp(7))."""
        self.local, self.explicit = local, True
        self.reuse_address, self.reuse_port, self.v6only = (
            listener.reuse_address, listener.reuse_port, listener.v6only
        )  # fmt: skip
        self.send_buffer, self.receive_buffer = listener.send_buffer, listener.receive_buffer
        self.linger = listener.linger
        self.options.update(listener.options)
        self.host.tcp.adopt(self, local.port)
