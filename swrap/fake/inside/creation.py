"""socket(2): which kinds of sockets there are, and for whom. What a program holds of one is ``socket``'s."""

from __future__ import annotations

import errno
import os
import socket as real

from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.tcp import TcpSocket
from swrap.fake.kernel.udp import UdpSocket
from swrap.fake.kernel.unix import Credentials
from swrap.fake.kernel.unix_datagram import UnixDatagram
from swrap.fake.kernel.unix_stream import UnixStream
from swrap.fake.process import Process


def new_file(process: Process, family: int, kind: int, protocol: int) -> File:
    """What socket(2) makes. Raises EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT."""
    if family == real.AF_UNIX:
        credentials = Credentials(process.pid, os.getuid(), os.getgid())
        if kind == real.SOCK_DGRAM:
            return UnixDatagram(process.world.unix, credentials)
        if kind in (real.SOCK_STREAM, real.SOCK_SEQPACKET):
            return UnixStream(process.world.unix, credentials, kind)
        fail(errno.ESOCKTNOSUPPORT)
    if family not in (real.AF_INET, real.AF_INET6):
        raise NotImplementedError(f"the fake network has no sockets of address family {family}")
    if process.host is None:
        fail(errno.EAFNOSUPPORT)  # the harness is on no host
    if kind == real.SOCK_STREAM:
        if protocol not in (0, real.IPPROTO_TCP):
            fail(errno.EPROTONOSUPPORT)
        return TcpSocket(process.host, family)
    if kind == real.SOCK_DGRAM:
        if protocol not in (0, real.IPPROTO_UDP):
            fail(errno.EPROTONOSUPPORT)
        return UdpSocket(process.host, family)
    if kind == real.SOCK_RAW:
        fail(errno.EPERM)
    fail(errno.ESOCKTNOSUPPORT)
