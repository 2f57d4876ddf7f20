"""Control messages of datagrams (ip(7), ipv6(7), cmsg(3)): where one came in, its TTL, its TOS; or how to send it.

Owns their spelling in both families. Which options a socket has set, ``options`` keeps; what is true of a datagram,
the network tells. Called by the socket object and by ``udp``.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from swrap.fake.kernel.address import is_multicast
from swrap.fake.kernel.file import fail

if TYPE_CHECKING:
    from swrap.fake.kernel.udp import UdpSocket

IP, IP6 = socket.IPPROTO_IP, socket.IPPROTO_IPV6
PKTINFO, RECVTTL, RECVTOS = (IP, 8), (IP, 12), (IP, socket.IP_RECVTOS)
PKTINFO6, HOPLIMIT6 = (IP6, socket.IPV6_RECVPKTINFO), (IP6, socket.IPV6_RECVHOPLIMIT)
TCLASS6 = IP6, socket.IPV6_RECVTCLASS
ASKS = frozenset({PKTINFO, RECVTTL, RECVTOS, PKTINFO6, HOPLIMIT6, TCLASS6})
"""The options that ask for one."""
_HEADER = socket.CMSG_LEN(0)
_INFO, _INT = struct.Struct("i4s4s"), struct.Struct("i")
_FIRST_TTL = 64

Message = tuple[int, int, bytes]


class Marks(NamedTuple):
    """What a datagram's header says."""

    ttl: int
    tos: int


class Told(NamedTuple):
    """What the network tells of a datagram. ``interface``: its index; ``own``: the address of that."""

    interface: int
    own: str
    target: str
    marks: Marks


class Sending(NamedTuple):
    """What a program says of one datagram; None: as its socket has it."""

    source: str | None = None
    ttl: int | None = None
    tos: int | None = None


def marks(sock: UdpSocket, target: str, sending: Sending) -> Marks:
    """What a datagram of ``sock`` to ``target`` has in its header."""
    if ":" in target:
        group = is_multicast(target)
        hops = IP6, socket.IPV6_MULTICAST_HOPS if group else socket.IPV6_UNICAST_HOPS
        service = IP6, socket.IPV6_TCLASS
    else:
        group = is_multicast(target)
        hops = IP, socket.IP_MULTICAST_TTL if group else socket.IP_TTL
        service = IP, socket.IP_TOS
    first = 1 if group else _FIRST_TTL
    ttl = sock.options.get(hops, first) if sending.ttl is None else sending.ttl
    tos = sock.options.get(service, 0) if sending.tos is None else sending.tos
    return Marks(first if ttl < 0 else ttl, max(0, tos))


def messages(sock: UdpSocket, told: Told | None, room: int) -> tuple[list[Message], int]:
    """What ``sock`` has asked for, in Linux's order, as far as there is room; and MSG_CTRUNC where there is not."""
    found: list[Message] = []
    flags = 0
    for level, kind, data in _asked(sock, told) if told is not None else []:
        if room < _HEADER:
            return found, flags | socket.MSG_CTRUNC
        fits = data[: room - _HEADER]
        flags |= socket.MSG_CTRUNC if len(fits) < len(data) else 0
        found.append((level, kind, fits))
        room -= socket.CMSG_SPACE(len(data))
    return found, flags


def _asked(sock: UdpSocket, told: Told) -> Iterable[Message]:
    asks = sock.options.get
    ttl, tos = told.marks
    if sock.family == socket.AF_INET:
        if asks(PKTINFO):
            own, target = IPv4Address(told.own).packed, IPv4Address(told.target).packed
            yield *PKTINFO, _INFO.pack(told.interface, own, target)
        if asks(RECVTTL):
            yield IP, socket.IP_TTL, _INT.pack(ttl)
        if asks(RECVTOS):
            yield IP, socket.IP_TOS, bytes((tos,))
        return
    if asks(PKTINFO6):
        ip = told.target if ":" in told.target else f"::ffff:{told.target}"
        yield IP6, socket.IPV6_PKTINFO, IPv6Address(ip).packed + _INT.pack(told.interface)
    if ":" in told.target:
        if asks(HOPLIMIT6):
            yield IP6, socket.IPV6_HOPLIMIT, _INT.pack(ttl)
        if asks(TCLASS6):
            yield IP6, socket.IPV6_TCLASS, _INT.pack(tos)


def sending(sock: UdpSocket, control: Iterable[tuple[int, int, Any]]) -> Sending:
    """What sendmsg(2) was told. Raises EINVAL, ENODEV, ENETUNREACH; that of another family is not looked at."""
    said = Sending()
    for level, kind, raw in control:
        data = bytes(raw)
        if sock.family == socket.AF_INET and level == IP:
            said = _said4(sock, said, kind, data)
        elif sock.family == socket.AF_INET6 and level == IP6:
            said = _said6(sock, said, kind, data)
    return said


def _said4(sock: UdpSocket, said: Sending, kind: int, data: bytes) -> Sending:
    if kind == PKTINFO[1] and len(data) == _INFO.size:
        index, own, _ = _INFO.unpack(data)
        return said._replace(source=_source(sock, index, own, errno.ENETUNREACH))
    if kind == socket.IP_TTL and len(data) == _INT.size:
        return said._replace(ttl=_within(1, _INT.unpack(data)[0]))
    if kind == socket.IP_TOS and len(data) in (1, _INT.size):
        return said._replace(tos=_within(0, data[0] if len(data) == 1 else _INT.unpack(data)[0]))
    fail(errno.EINVAL)


def _said6(sock: UdpSocket, said: Sending, kind: int, data: bytes) -> Sending:
    if kind == socket.IPV6_PKTINFO and len(data) >= 20:
        return said._replace(source=_source(sock, _INT.unpack(data[16:20])[0], data[:16], errno.EINVAL))
    if kind == socket.IPV6_HOPLIMIT and len(data) == _INT.size:
        return said._replace(ttl=_within(-1, _INT.unpack(data)[0]))
    if kind == socket.IPV6_TCLASS and len(data) == _INT.size:
        return said._replace(tos=_within(-1, _INT.unpack(data)[0]))
    fail(errno.EINVAL)


def _within(least: int, number: int) -> int:
    return number if least <= number <= 255 else fail(errno.EINVAL)


def _source(sock: UdpSocket, index: int, packed: bytes, otherwise: int) -> str | None:
    """The address to send from: that one, or the first of the interface with that index; None: it is left open."""
    if any(packed):
        ip = str(ip_address(packed))
        return ip if sock.host.has(ip) else fail(otherwise)
    if index == 0:
        return None
    version = 4 if len(packed) == 4 else 6
    if index == 1:
        return "127.0.0.1" if version == 4 else "::1"
    names = sock.host.described.interfaces
    if not 2 <= index < len(names) + 2:
        fail(errno.ENODEV)
    wanted = f"{sock.host.name}.{names[index - 2].name}"
    found = [
        str(own.ip)
        for name, own in sock.host.net.networks(sock.host.name)
        if name == wanted and own.version == version
    ]
    return found[0] if found else fail(otherwise)
