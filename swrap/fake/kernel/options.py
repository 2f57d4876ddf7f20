"""getsockopt(2) and setsockopt(2).

Owns which options there are, what they say at first, and the few that do something. One that is only remembered
reads back as it was set; one that is unknown is refused as Linux refuses it.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

from swrap.fake.kernel import ancillary, groups
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.tcp import TcpSocket
from swrap.fake.kernel.tcp_info import tcp_info
from swrap.fake.kernel.udp import UdpSocket
from swrap.fake.kernel.unix import UnixSocket

SOL, TCP, IP, IP6 = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6
MAX_BUFFER = 4 << 20
"""Bytes: /proc/sys/net/core/{r,w}mem_max, doubled."""
MIN_SEND, MIN_RECEIVE = 4608, 2304
_TIMES = {socket.SO_RCVTIMEO, socket.SO_SNDTIMEO}
_TIME = struct.Struct("ll")
"""A timeval: seconds, microseconds."""
_FIRST_SIZES = {"send": 16_384, "receive": 131_072}
"""What a TCP socket says before the program or autotuning has changed it."""

_Option = tuple[int, int]
_GROUPS = groups.JOIN | groups.LEAVE | groups.SEND_BY
_ANY: dict[_Option, int] = {
    (SOL, socket.SO_KEEPALIVE): 0, (SOL, socket.SO_BROADCAST): 0, (SOL, socket.SO_OOBINLINE): 0,
    (SOL, socket.SO_PRIORITY): 0, (SOL, socket.SO_MARK): 0, (SOL, socket.SO_RCVLOWAT): 1,
    (SOL, socket.SO_DONTROUTE): 0, (SOL, socket.SO_INCOMING_CPU): -1, (SOL, socket.SO_PASSCRED): 0,
}  # fmt: skip
_INET: dict[_Option, int] = {
    (IP, socket.IP_TTL): 64, (IP, socket.IP_TOS): 0, (IP, socket.IP_RECVTOS): 0, (IP, socket.IP_MULTICAST_TTL): 1,
    (IP, socket.IP_MULTICAST_LOOP): 1, (IP, socket.IP_TRANSPARENT): 0, (IP, 24): 0, (IP, 10): 1,
    ancillary.PKTINFO: 0, ancillary.RECVTTL: 0, **dict.fromkeys(groups.ALL, 1),
}  # fmt: skip
_INET6: dict[_Option, int] = {
    (IP6, socket.IPV6_UNICAST_HOPS): 64, (IP6, socket.IPV6_MULTICAST_HOPS): 1, (IP6, socket.IPV6_TCLASS): 0,
    (IP6, socket.IPV6_RECVTCLASS): 0, (IP6, socket.IPV6_RECVPKTINFO): 0, (IP6, socket.IPV6_MULTICAST_LOOP): 1,
    ancillary.HOPLIMIT6: 0,
}  # fmt: skip
_TCP: dict[_Option, int] = {
    (TCP, socket.TCP_NODELAY): 0, (TCP, socket.TCP_CORK): 0, (TCP, socket.TCP_KEEPIDLE): 7200,
    (TCP, socket.TCP_KEEPINTVL): 75, (TCP, socket.TCP_KEEPCNT): 9, (TCP, socket.TCP_SYNCNT): 6,
    (TCP, socket.TCP_LINGER2): 60, (TCP, socket.TCP_DEFER_ACCEPT): 0, (TCP, socket.TCP_MAXSEG): 1448,
    (TCP, socket.TCP_QUICKACK): 1, (TCP, socket.TCP_USER_TIMEOUT): 0, (TCP, socket.TCP_NOTSENT_LOWAT): 0,
    (TCP, socket.TCP_FASTOPEN): 0,
}  # fmt: skip

_SWITCHES = {
    *((SOL, getattr(socket, f"SO_{name}")) for name in ("KEEPALIVE", "BROADCAST", "OOBINLINE", "DONTROUTE")),
    *((TCP, getattr(socket, f"TCP_{name}")) for name in ("NODELAY", "CORK")),
    (IP, socket.IP_MULTICAST_LOOP),
    (IP6, socket.IPV6_MULTICAST_LOOP),
    *ancillary.ASKS,
    *groups.ALL,
}
_DEFAULTED = {
    (IP, socket.IP_MULTICAST_TTL),
    (IP6, socket.IPV6_MULTICAST_HOPS),
    (IP6, socket.IPV6_UNICAST_HOPS),
}
"""-1 is what they are at first."""

_RANGES = {
    (TCP, socket.TCP_KEEPIDLE): (1, 32767),
    (TCP, socket.TCP_KEEPINTVL): (1, 32767),
    (TCP, socket.TCP_KEEPCNT): (1, 127),
    (IP, socket.IP_TTL): (1, 255),
}

AnySocket = TcpSocket | UdpSocket | UnixSocket


def get(sock: Any, level: int, name: int, size: int) -> int | bytes:
    """The value: an int, or bytes where ``size`` > 0. Raises ENOPROTOOPT."""
    value = _special(sock, level, name)
    if value is None:
        value = _remembered(sock, level, name)
    if size == 0:
        return value if isinstance(value, int) else struct.unpack("i", value[:4].ljust(4, b"\0"))[0]
    raw = struct.pack("i", value) if isinstance(value, int) else value
    return raw[:size]


def set(sock: Any, level: int, name: int, value: Any) -> None:
    """Raises ENOPROTOOPT, EINVAL, ENOPROTOOPT, and NotImplementedError for what would have to do something."""
    if (level, name) in _GROUPS and isinstance(sock, InetSocket):
        groups.set_group(sock, level, name, value)
        return
    number = value if isinstance(value, int) else None
    if number is None and value is not None and len(value) >= 4:
        number = struct.unpack("i", bytes(value[:4]))[0]
    if number is None:
        fail(errno.EINVAL)
    if level == SOL and _set_socket(sock, name, number, value):
        return
    if level == IP6 and name == socket.IPV6_V6ONLY and isinstance(sock, InetSocket):
        if sock.family != socket.AF_INET6:
            fail(errno.ENOPROTOOPT)
        if sock.local is not None:
            fail(errno.EINVAL)
        sock.v6only = bool(number)
        return
    if level == TCP and isinstance(sock, UdpSocket):
        fail(errno.ENOPROTOOPT)  # to read it is another error
    _remembered(sock, level, name)
    sock.options[level, name] = _kept(sock, (level, name), number)
    if (level, name) in ancillary.ASKS and isinstance(sock, UdpSocket):
        sock.asks = any(map(sock.options.get, ancillary.ASKS))


def patience(sock: Any, name: int) -> float | None:
    """How many seconds a call that blocks waits, by SO_RCVTIMEO or SO_SNDTIMEO; None: for ever (socket(7))."""
    limit: float | None = sock.options.get((SOL, name))
    return limit


def _kept(sock: Any, option: _Option, number: int) -> int:
    """What an option that is only remembered reads afterwards. Raises EINVAL for what it cannot be."""
    if option in _SWITCHES:
        return int(bool(number))
    least, most = _RANGES.get(option, (-1 << 31, (1 << 31) - 1))
    stream = isinstance(sock, TcpSocket)
    if not least <= number <= most or (stream and option == (IP, socket.IP_MULTICAST_TTL)):
        fail(errno.EINVAL)
    if option in _DEFAULTED and number == -1:
        return {**_INET, **_INET6}[option]
    if option == (SOL, socket.SO_RCVLOWAT):
        return number or 1
    return number & ~3 if stream and option == (IP, socket.IP_TOS) else number  # the rest is for congestion


def _set_socket(sock: Any, name: int, number: int, value: Any) -> bool:
    """Those of SOL_SOCKET that do something."""
    inet = isinstance(sock, InetSocket)
    if name == socket.SO_REUSEADDR:
        if inet:
            sock.reuse_address = bool(number)
        else:
            sock.options[SOL, name] = int(bool(number))
    elif name == socket.SO_REUSEPORT:
        if inet:
            sock.reuse_port = bool(number)
        elif number:
            fail(errno.EOPNOTSUPP)
    elif name in (socket.SO_SNDBUF, 32):
        sock.send_buffer = max(min(2 * number, MAX_BUFFER), MIN_SEND)
        sock.options[SOL, socket.SO_SNDBUF] = sock.send_buffer
    elif name in (socket.SO_RCVBUF, 33):
        size = max(min(2 * number, MAX_BUFFER), MIN_RECEIVE)
        if inet:
            sock.receive_buffer = size
        sock.options[SOL, socket.SO_RCVBUF] = size
    elif name == socket.SO_LINGER:
        if isinstance(value, int) or len(value) < 8:
            fail(errno.EINVAL)
        on, seconds = struct.unpack("ii", bytes(value[:8]))
        if isinstance(sock, TcpSocket):
            sock.linger = int(bool(on)), seconds
        sock.options[SOL, name] = value
    elif name in _TIMES:
        if isinstance(value, int) or len(value) < _TIME.size:
            fail(errno.EINVAL)
        seconds, micros = _TIME.unpack(bytes(value[: _TIME.size]))
        if not 0 <= micros < 1_000_000:
            fail(errno.EDOM)
        sock.options[SOL, name] = max(0.0, seconds + micros / 1e6) if seconds or micros else None
    elif name == socket.SO_BINDTODEVICE:
        raise NotImplementedError("SO_BINDTODEVICE: bind to the interface's address instead")
    elif name in (
        socket.SO_ERROR,
        socket.SO_TYPE,
        socket.SO_DOMAIN,
        socket.SO_PROTOCOL,
        socket.SO_ACCEPTCONN,
    ):
        fail(errno.ENOPROTOOPT)
    else:
        return False
    return True


def _special(sock: Any, level: int, name: int) -> int | bytes | None:
    """Those that are read from elsewhere."""
    if level == SOL:
        return _special_socket(sock, name)
    if (
        level == IP6
        and name == socket.IPV6_V6ONLY
        and isinstance(sock, InetSocket)
        and sock.family == socket.AF_INET6
    ):
        return int(sock.v6only)
    if (level, name) in groups.SEND_BY and isinstance(sock, UdpSocket):
        return groups.sends_by(sock, level)
    if level == TCP and name == socket.TCP_INFO and isinstance(sock, TcpSocket):
        return tcp_info(sock)
    if level == TCP and name == 13 and isinstance(sock, TcpSocket):
        return b"cubic".ljust(16, b"\0")
    return None


def _special_socket(sock: Any, name: int) -> int | bytes | None:
    match name:
        case socket.SO_ERROR:
            number, sock.error = sock.error, 0
            return int(number)
        case socket.SO_TYPE:
            return int(sock.kind)
        case socket.SO_DOMAIN:
            return int(sock.family)
        case socket.SO_PROTOCOL:
            return int(sock.protocol)
        case socket.SO_ACCEPTCONN:
            return int(getattr(sock, "listening", False) or getattr(sock, "state", "") == "listen")
        case socket.SO_REUSEADDR:
            return int(getattr(sock, "reuse_address", sock.options.get((SOL, name), 0)))
        case socket.SO_REUSEPORT:
            return int(getattr(sock, "reuse_port", False))
        case socket.SO_SNDBUF:
            first = _FIRST_SIZES["send"] if isinstance(sock, TcpSocket) else sock.send_buffer
            return int(sock.options.get((SOL, name), first))
        case socket.SO_RCVBUF:
            first = _FIRST_SIZES["receive"] if isinstance(sock, TcpSocket) else 212_992
            return int(sock.options.get((SOL, name), first))
        case socket.SO_LINGER:
            return bytes(sock.options.get((SOL, name), bytes(8)))
        case socket.SO_PEERCRED if isinstance(sock, UnixSocket):
            return struct.pack("iii", *(sock.peer_credentials or (0, -1, -1)))
        case socket.SO_RCVTIMEO | socket.SO_SNDTIMEO:
            seconds, part = divmod(patience(sock, name) or 0.0, 1.0)
            return _TIME.pack(int(seconds), round(part * 1e6))
    return None


def _remembered(sock: Any, level: int, name: int) -> int:
    """What was set, or the first value. Raises ENOPROTOOPT, EOPNOTSUPP for what there is not."""
    key = level, name
    if key in sock.options:
        return int(sock.options[key])
    tables = [_ANY]
    if isinstance(sock, InetSocket):
        tables.append(_INET6 if sock.family == socket.AF_INET6 else _INET)
        tables += [_INET] if sock.family == socket.AF_INET6 else []
        tables += [_TCP] if isinstance(sock, TcpSocket) else []
    for table in tables:
        if key in table:
            return table[key]
    nobodys = isinstance(sock, UnixSocket) or (level == TCP and not isinstance(sock, TcpSocket))
    fail(errno.EOPNOTSUPP if nobodys and level != SOL else errno.ENOPROTOOPT)
