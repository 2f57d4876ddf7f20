"""TCP_INFO and the ioctls that ask a socket for its queues (tcp(7)).

Owns the layout of struct tcp_info, as far as programs read it.
"""

from __future__ import annotations

import errno
import struct
from typing import Any

from swrap.fake.kernel.file import fail
from swrap.fake.kernel.half import RTO_MIN
from swrap.fake.kernel.tcp import TcpSocket
from swrap.fake.kernel.udp import UdpSocket

_HEAD = struct.Struct("=8B24I")
_TAIL = struct.Struct("=QQQQIIIIII")
_BYTES_AT = 120
_SIZE = 232
_STATES = {"established": 1, "syn-sent": 2, "closed": 7, "listen": 10}
FIONREAD, TIOCOUTQ, SIOCATMARK = 0x541B, 0x5411, 0x8905


def tcp_info(sock: TcpSocket) -> bytes:
    """struct tcp_info; times in microseconds, counts in segments where Linux counts segments."""
    out, into = sock.outgoing, sock.incoming
    fields = [0] * 24
    fields[0] = round((out.rto if out else 1.0) * 1e6)
    fields[2] = fields[3] = 1448
    fields[4] = -(-out.unacked() // 1448) if out else 0
    fields[15] = fields[16] = round((out.way.latency + out.back.latency) * 1e6) if out else 0
    fields[14] = 1500
    retransmits = out.retransmits if out else 0
    state = _STATES[sock.state]
    if sock.state == "established" and (sock.eof or sock.shut_write):
        state = 8 if not sock.shut_write else 4 if not sock.eof else 9
    head = _HEAD.pack(state, 0, min(retransmits, 255), 0, min(retransmits, 255), 0, 0, 0, *fields)
    acked = out.sent - out.unacked() if out else 0
    tail = _TAIL.pack(acked, into.delivered if into else 0, 0, 0, 0, 0, 0, 0, 0, 0)
    return (head.ljust(_BYTES_AT, b"\0") + tail).ljust(_SIZE, b"\0")


def unacked(sock: Any) -> int:
    """SIOCOUTQ: bytes sent and not acknowledged. Raises EINVAL for a listener."""
    if isinstance(sock, TcpSocket):
        if sock.listening:
            fail(errno.EINVAL)
        return sock.outgoing.unacked() if sock.outgoing else 0
    return int(getattr(sock, "unread", 0))


def unread(sock: Any) -> int:
    """FIONREAD: bytes to be read; of datagrams, of the first."""
    if isinstance(sock, TcpSocket):
        return fail(errno.EINVAL) if sock.listening else sock.inbox.size
    if isinstance(sock, UdpSocket):
        return len(sock.queue[0][1]) if sock.queue else 0
    inbox = sock.inbox
    if sock.kind == 1:
        return sum(len(message.data) for message in inbox)
    return len(inbox[0].data) if inbox else 0


def at_mark(sock: Any) -> int:
    """SIOCATMARK: is the next byte the urgent one, or the one behind it? Raises ENOTTY for what is no TCP socket."""
    if not isinstance(sock, TcpSocket):
        fail(errno.ENOTTY)
    return int(sock.mark is not None and not sock.mark.before)


def rto(sock: TcpSocket) -> float:
    """The retransmission time-out, in seconds."""
    return sock.outgoing.rto if sock.outgoing else RTO_MIN
