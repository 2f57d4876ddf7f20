"""What the running kernel knows of a TCP connection's delivery: SIOCOUTQ and TCP_INFO (tcp(7)).

The real ``SocketQueries`` for a client. Must not know why anybody asks. Called by ``watcher``.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios

from server.ports.sockets import Delivery

_TCPI_RTO = 8
_TCP_INFO_LENGTH = 12


class KernelQueries:
    def unacked(self, sock: socket.socket) -> int:
        raw = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
        count: int = struct.unpack("=i", raw)[0]
        return count

    def delivery(self, sock: socket.socket) -> Delivery:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)
        (rto_us,) = struct.unpack_from("=I", info, _TCPI_RTO)
        return Delivery(self.unacked(sock), rto_us / 1e6)
