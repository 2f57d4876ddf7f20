"""What a program asks the kernel about interfaces: SIOCGIF* (netdevice(7)) and SIOCETHTOOL, as of now.

Owns the ioctl's structures. What they are about is the fabric's. Some point to memory of the program, which is ours,
too. Called by ``system``.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface

from swrap.fake.kernel.file import fail
from swrap.fake.process import Process

NAME, CONF, FLAGS, ADDR, DSTADDR, BRDADDR, NETMASK = 0x8910, 0x8912, 0x8913, 0x8915, 0x8917, 0x8919, 0x891B
METRIC, MTU, HWADDR, INDEX, TXQLEN, ETHTOOL = 0x891D, 0x8921, 0x8927, 0x8933, 0x8942, 0x8946
_GSET, _GLINK, _GRXRINGS, _GLINKSETTINGS = 0x01, 0x0A, 0x2D, 0x4C

_UP, _BROADCAST, _LOOPBACK, _RUNNING, _MULTICAST = 0x1, 0x2, 0x8, 0x40, 0x1000
_ETHER_TYPE, _LOOPBACK_TYPE = 1, 772  # ARPHRD_*
_SIZE, _NAME_SIZE = 40, 16
_CONF = struct.Struct("i4xQ")
_POINTER = struct.Struct("16sQ")
_QUEUE = 1000
"""Packets: what Linux gives every link."""
_FULL_DUPLEX = 1
_WORDS = 1
"""Of the bitmaps of link modes, which are all empty."""


@dataclass(frozen=True, slots=True)
class _Interface:
    """``address``: the first of IPv4; ``flags`` as in netdevice(7); ``speed`` in bit/s; ``rings``: receive queues."""

    index: int
    name: str
    address: IPv4Interface | None
    flags: int
    mtu: int
    mac: bytes
    speed: int
    rings: int


def ioctl(process: Process, request: int, arg: bytes) -> bytes:
    """The answer, as many bytes as there are. Raises ENODEV, EADDRNOTAVAIL, and what is not there is a gap."""
    if request == CONF:
        return _list(process, arg)
    if request == NAME:
        wanted = struct.unpack_from("i", arg, _NAME_SIZE)[0]
        found = [one for one in _interfaces(process) if one.index == wanted]
        return found[0].name.encode().ljust(_NAME_SIZE, b"\0") if found else fail(errno.ENODEV)
    if request not in (ADDR, DSTADDR, BRDADDR, NETMASK, FLAGS, METRIC, MTU, HWADDR, INDEX, TXQLEN, ETHTOOL):
        raise NotImplementedError(f"the fake network has no ioctl {request:#x}")
    name = arg[: _NAME_SIZE - 1].partition(b"\0")[0].decode(errors="surrogateescape")
    found = [one for one in _interfaces(process) if one.name == name]
    if not found:
        fail(errno.ENODEV)
    if request == ETHTOOL:
        _ethtool(found[0], _POINTER.unpack_from(arg)[1])
        return arg
    return arg[:_NAME_SIZE].ljust(_NAME_SIZE, b"\0") + _about(found[0], request)


def _interfaces(process: Process) -> Iterator[_Interface]:
    """Those of the process's host, lo first. Each has an address of its own on the wire, the same as in a lab."""
    host, fabric = process.host, process.world.fabric
    if host is None:
        return
    lo = _UP | _LOOPBACK | _RUNNING
    yield _Interface(1, "lo", IPv4Interface("127.0.0.1/8"), lo, 65_536, bytes(6), 0, 1)
    number = 1
    for other in fabric.topology.hosts:
        if other.name == host.name:
            break
        number += 1 + len(other.interfaces)
    for index, one in enumerate(host.described.interfaces, 2):
        name = f"{host.name}.{one.name}"
        own = [address for address in fabric.addresses.of[name] if isinstance(address, IPv4Interface)]
        flags = _UP | _BROADCAST | _MULTICAST | (_RUNNING if fabric.links[name].up else 0)
        mac = bytes((2, 0x53, 0x57)) + (number + index - 2).to_bytes(3, "big")
        speed, rings = fabric.speed_of(name), 8 if one.rss else 1
        yield _Interface(index, one.name, own[0] if own else None, flags, one.mtu, mac, speed, rings)


def _about(one: _Interface, request: int) -> bytes:
    """What stands behind the name in a struct ifreq."""
    plain = {FLAGS: one.flags, METRIC: 0, MTU: one.mtu, INDEX: one.index, TXQLEN: _QUEUE}
    if request in plain:
        return struct.pack("H" if request == FLAGS else "i", plain[request])
    if request == HWADDR:
        return struct.pack("H6s8x", _LOOPBACK_TYPE if one.flags & _LOOPBACK else _ETHER_TYPE, one.mac)
    if one.address is None:
        fail(errno.EADDRNOTAVAIL)
    network = one.address.network
    chosen = {NETMASK: network.netmask, BRDADDR: network.broadcast_address}.get(request, one.address.ip)
    return _sockaddr(chosen.packed)


def _sockaddr(packed: bytes) -> bytes:
    return struct.pack("H2x4s8x", socket.AF_INET, packed)


def _list(process: Process, arg: bytes) -> bytes:
    """SIOCGIFCONF: the first IPv4 address of each that has one; with no buffer, only the size."""
    room, where = _CONF.unpack(arg[: _CONF.size].ljust(_CONF.size, b"\0"))
    rows = [
        (one.name.encode().ljust(_NAME_SIZE, b"\0") + _sockaddr(one.address.ip.packed)).ljust(_SIZE, b"\0")
        for one in _interfaces(process)
        if one.address is not None
    ]
    if where:
        rows = rows[: max(0, room) // _SIZE]
        ctypes.memmove(where, b"".join(rows), _SIZE * len(rows))
    return struct.pack("i", _SIZE * len(rows))


def _ethtool(one: _Interface, where: int) -> None:
    """SIOCETHTOOL (linux/ethtool.h): the answer goes where the question was. Raises EOPNOTSUPP, EFAULT."""
    if not where:
        fail(errno.EFAULT)
    command = struct.unpack("I", ctypes.string_at(where, 4))[0]
    megabits = one.speed // 1_000_000
    if command != _GLINK and one.flags & _LOOPBACK:
        fail(errno.EOPNOTSUPP)
    if command == _GLINK:
        answer = struct.pack("II", command, int(bool(one.flags & _RUNNING)))
    elif command == _GSET:
        answer = struct.pack("I8xHB13xH14x", command, megabits & 0xFFFF, _FULL_DUPLEX, megabits >> 16)
    elif command == _GRXRINGS:
        answer = struct.pack("I4sQ", command, ctypes.string_at(where + 4, 4), one.rings)
    elif command != _GLINKSETTINGS:
        raise NotImplementedError(f"the fake network has no ethtool command {command:#x}")
    elif (
        ctypes.string_at(where + 15, 1)[0] != _WORDS
    ):  # who does not know how many there are is told that alone
        answer = struct.pack("I11xb32x", command, -_WORDS)
    else:
        answer = struct.pack("IIB6xb32x", command, megabits, _FULL_DUPLEX, _WORDS) + bytes(12 * _WORDS)
    ctypes.memmove(where, answer, len(answer))
