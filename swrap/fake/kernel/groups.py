"""Datagrams to many: broadcasts, and groups with their members (ip(7), ipv6(7)).

Owns what a socket has joined and by which interface it sends to many. A broadcast or a group ends at its segment: no
host forwards it. Who hangs on a segment is ``net``'s. Called by ``udp`` and ``options``.
"""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from swrap.fake.kernel.address import ANY4, ANY6, Endpoint, is_multicast
from swrap.fake.kernel.file import fail

if TYPE_CHECKING:
    from swrap.fake.kernel.ancillary import Marks
    from swrap.fake.kernel.udp import UdpSocket

EVERYBODY = "255.255.255.255"
IP, IP6 = socket.IPPROTO_IP, socket.IPPROTO_IPV6
JOIN = {(IP, socket.IP_ADD_MEMBERSHIP), (IP6, socket.IPV6_JOIN_GROUP)}
LEAVE = {(IP, socket.IP_DROP_MEMBERSHIP), (IP6, socket.IPV6_LEAVE_GROUP)}
SEND_BY = {(IP, socket.IP_MULTICAST_IF), (IP6, socket.IPV6_MULTICAST_IF)}
ALL = {(IP, 49), (IP6, 29)}
"""IP_MULTICAST_ALL, IPV6_MULTICAST_ALL: does it hear what others of its host have joined?"""
_BY6 = socket.IPV6_MULTICAST_IF
_BROADCAST = socket.SOL_SOCKET, socket.SO_BROADCAST


def to_many(sock: UdpSocket, ip: str) -> bool:
    """Is ``ip`` a group, or a broadcast of a network that the socket's host is on?"""
    return is_multicast(ip) or ip == EVERYBODY or _broadcast_on(sock, ip) is not None


def set_group(sock: Any, level: int, name: int, value: Any) -> None:
    """IP_ADD_MEMBERSHIP and its kin. Raises EINVAL, ENODEV, EADDRINUSE, EADDRNOTAVAIL, EPROTO."""
    if sock.kind != socket.SOCK_DGRAM:
        fail(errno.EPROTO)
    if (level, name) in SEND_BY:
        sock.sends_by = _chosen(sock, level, value, errno.EADDRNOTAVAIL)
        sock.options[level, name] = _said(sock, level, value)
        return
    raw = bytes(value) if not isinstance(value, int) else b""
    if len(raw) < (8 if level == IP else 20):
        fail(errno.EINVAL)
    size = 4 if level == IP else 16
    ip = str(ip_address(raw[:size]))
    if not is_multicast(ip):
        fail(errno.EINVAL if level == IP else errno.EADDRNOTAVAIL)
    member = ip, _chosen(sock, level, raw[4:] if level == IP else raw[16:]) or _first(sock, ip)
    if (level, name) in JOIN:
        if member in sock.groups:
            fail(errno.EADDRINUSE)
        sock.groups.add(member)
    elif member in sock.groups:
        sock.groups.discard(member)
    else:
        fail(errno.EADDRNOTAVAIL)


def hears(sock: UdpSocket, member: tuple[str, str]) -> bool:
    """Does it get what is sent to that group by that interface, if any socket of its host is a member?"""
    return member in sock.groups or all(sock.options.get(option, 1) for option in ALL)


def sends_by(sock: Any, level: int) -> int | bytes:
    """What IP_MULTICAST_IF reads: the address that it was set to; IPV6_MULTICAST_IF: the index."""
    chosen: int | bytes = sock.options.get((level, socket.IP_MULTICAST_IF if level == IP else _BY6), 0)
    return bytes(4) if level == IP and not chosen else chosen


def source_to_many(sock: UdpSocket, target: Endpoint) -> tuple[str, str]:
    """The interface that leads there, and the address that it is sent from. Raises EACCES, ENETUNREACH."""
    if not is_multicast(target.ip) and not sock.options.get(_BROADCAST):
        fail(errno.EACCES)
    version = 6 if ":" in target.ip else 4
    addresses = _addresses(sock, version)
    bound = sock.local.ip if sock.local is not None else ANY4
    own = bound if bound not in (ANY4, ANY6) and not to_many(sock, bound) else None
    interface = _broadcast_on(sock, target.ip) or (sock.sends_by if is_multicast(target.ip) else None)
    if interface is None:
        of_own = [name for name, ip in addresses if ip == own]
        interface = of_own[0] if of_own else _first(sock, target.ip)
    found = [ip for name, ip in addresses if name == interface]
    if not found and own is None:
        fail(errno.ENETUNREACH)
    return interface, own or found[0]


def send_to_many(sock: UdpSocket, target: Endpoint, data: bytes, marks: Marks | None) -> None:
    """A copy for each host on the segment: the sender's own too, unless it is a group and it wants none."""
    interface, ip = source_to_many(sock, target)
    source, net = Endpoint(ip, sock.autobind().port), sock.host.net
    group = is_multicast(target.ip)
    level, loop, hops = (
        (IP6, socket.IPV6_MULTICAST_LOOP, socket.IPV6_MULTICAST_HOPS)
        if ":" in target.ip
        else (IP, socket.IP_MULTICAST_LOOP, socket.IP_MULTICAST_TTL)
    )
    for receiver in net.segment(interface, ip):
        own = sock.host.has(receiver)
        if group and not sock.options.get((level, loop if own else hops), 1):
            continue
        net.datagram(
            sock, source, target, sock.way_between(source, Endpoint(receiver, target.port)), data, marks
        )


def _said(sock: Any, level: int, value: Any) -> int | bytes:
    if level == IP6:
        return value if isinstance(value, int) else int(struct.unpack("i", value[:4])[0])
    return bytes(4) if isinstance(value, int) else bytes(value[4:8] if len(value) >= 8 else value[:4])


def _chosen(sock: Any, level: int, value: Any, nobodys: int = errno.ENODEV) -> str | None:
    """The interface that an option names, by its index or, in IPv4, its address; None: it leaves that open."""
    if isinstance(value, int):
        value = struct.pack("4xi", value) if level == IP6 else struct.pack("8xi", value)
    address, index = b"", 0
    if level == IP6:
        index = struct.unpack("i", value[-4:])[0]
    elif len(value) == 12:
        address, index = value[4:8], struct.unpack("i", value[8:])[0]
    elif len(value) == 8:
        address, index = value[:4], struct.unpack("i", value[4:])[0]
    else:
        address = value[:4]
    if index:
        names = sock.host.described.interfaces
        if not 1 <= index < len(names) + 2:
            fail(errno.ENODEV)
        return f"{sock.host.name}.{names[index - 2].name if index > 1 else 'lo'}"
    if not any(address):
        return None
    wanted = str(ip_address(address))
    found = [name for name, ip in _addresses(sock, 4) if ip == wanted]
    return found[0] if found else fail(nobodys)


def _addresses(sock: Any, version: int) -> list[tuple[str, str]]:
    """Those of the host, each with its interface, in their order."""
    return [
        (name, str(own.ip)) for name, own in sock.host.net.networks(sock.host.name) if own.version == version
    ]


def _first(sock: Any, ip: str) -> str:
    """The interface that is taken where nothing else decides. Raises ENETUNREACH."""
    found = _addresses(sock, 6 if ":" in ip else 4)
    return found[0][0] if found else fail(errno.ENETUNREACH)


def _broadcast_on(sock: Any, ip: str) -> str | None:
    """The interface whose network has that broadcast address."""
    for name, own in sock.host.net.networks(sock.host.name):
        network = own.network
        if own.version == 4 and network.prefixlen < 31 and str(network.broadcast_address) == ip:
            return str(name)
    return None
