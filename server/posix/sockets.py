"""Socket queries on Linux: SIOCOUTQ and TCP_INFO (tcp(7)).

Implements `server.ports.sockets.SocketQueries`.
"""

from __future__ import annotations

import fcntl
import socket
import termios
from struct import Struct

from server.ports.sockets import Delivery

_INT = Struct("i")
_TCP_INFO_SIZE = 104
_RTO_OFFSET = 8
"""tcpi_rto, after eight bytes of state, flags and window scales; in microseconds."""


class PosixSocketQueries:
    def unacked(self, sock: socket.socket) -> int:
        (count,) = _INT.unpack(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, _INT.pack(0)))
        return int(count)

    def delivery(self, sock: socket.socket) -> Delivery:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        rto = int.from_bytes(info[_RTO_OFFSET : _RTO_OFFSET + 4], "little") / 1_000_000
        return Delivery(self.unacked(sock), rto)
