"""This host's interfaces, as its kernel tells them now: addresses, cable, speed, receive queues.

Owns getifaddrs(3) and SIOCETHTOOL. Must not know what anybody does with the answer. ``LocalInterfaces`` is
the seam; ``KernelInterfaces`` the real thing. Called by ``keeper``.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

_IFF_UP = 0x1
_IFF_RUNNING = 0x40
_SIOCETHTOOL = 0x8946
_ETHTOOL_GSET = 0x01
_ETHTOOL_GLINK = 0x0A
_ETHTOOL_GRXRINGS = 0x2D
_UNKNOWN_SPEEDS = (0, 0xFFFF, 0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """One address of one interface. ``speed`` in bit/s, 0 if unknown; ``rss`` None if unknown.

    ``up``: configured up and the cable is in.
    """

    interface: str
    address: IPv4Address | IPv6Address
    network: IPv4Network | IPv6Network
    speed: int = 0
    rss: bool | None = None
    up: bool = True


class LocalInterfaces(Protocol):
    """Where the client asks what this host is connected to."""

    def snapshot(self) -> tuple[LocalAddress, ...]:
        """All addresses as of now, in the kernel's order. Must not block. OSError: it does not say."""
        ...


class KernelInterfaces:
    """The interfaces of the host this process runs on."""

    def snapshot(self) -> tuple[LocalAddress, ...]:
        found: list[LocalAddress] = []
        facts: dict[str, tuple[int, bool | None, bool]] = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            for name, flags, address, network in _addresses():
                if name not in facts:
                    running = bool(flags & _IFF_UP and flags & _IFF_RUNNING)
                    link = _ethtool_u32(asker.fileno(), name, _ETHTOOL_GLINK)
                    up = running and link != 0
                    facts[name] = _speed(asker.fileno(), name), _rss(asker.fileno(), name), up
                speed, rss, up = facts[name]
                found.append(LocalAddress(name, address, network, speed, rss, up))
        return tuple(found)


class _IfAddrs(ctypes.Structure):
    """struct ifaddrs of getifaddrs(3); the addresses are read by their family, below."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
    ("netmask", ctypes.c_void_p),
    ("destination", ctypes.c_void_p),
    ("data", ctypes.c_void_p),
]

_Row = tuple[str, int, IPv4Address | IPv6Address, IPv4Network | IPv6Network]


def _addresses() -> list[_Row]:
    libc = ctypes.CDLL(None, use_errno=True)
    head = ctypes.POINTER(_IfAddrs)()
    if libc.getifaddrs(ctypes.byref(head)) != 0:
        raise OSError(ctypes.get_errno(), "getifaddrs: " + os.strerror(ctypes.get_errno()))
    rows: list[_Row] = []
    try:
        entry = head
        while entry:
            row = entry.contents
            address, mask = _sockaddr(row.address), _sockaddr(row.netmask)
            if address is not None:
                bits = int(mask).bit_count() if mask is not None else address.max_prefixlen
                network = ip_network((address.packed, bits), strict=False)
                rows.append((os.fsdecode(row.name), row.flags, address, network))
            entry = row.next
    finally:
        libc.freeifaddrs(head)
    return rows


def _sockaddr(pointer: int | None) -> IPv4Address | IPv6Address | None:
    if not pointer:
        return None
    (family,) = struct.unpack("=H", ctypes.string_at(pointer, 2))
    if family == socket.AF_INET:
        return ip_address(ctypes.string_at(pointer + 4, 4))
    if family == socket.AF_INET6:
        return ip_address(ctypes.string_at(pointer + 8, 16))
    return None


def _ethtool(fd: int, interface: str, request: bytes) -> bytes | None:
    """What the driver makes of an ethtool request, None where it (or the kernel) does not know it."""
    answer = ctypes.create_string_buffer(request, len(request))
    ifreq = struct.pack("=16sQ16x", os.fsencode(interface)[:15], ctypes.addressof(answer))
    try:
        fcntl.ioctl(fd, _SIOCETHTOOL, ifreq)
    except OSError:
        return None
    return answer.raw


def _ethtool_u32(fd: int, interface: str, command: int) -> int | None:
    raw = _ethtool(fd, interface, struct.pack("=II", command, 0))
    return None if raw is None else struct.unpack("=II", raw)[1]


def _speed(fd: int, interface: str) -> int:
    raw = _ethtool(fd, interface, struct.pack("=I40x", _ETHTOOL_GSET))
    if raw is None:
        return 0
    low, high = struct.unpack_from("=H", raw, 12)[0], struct.unpack_from("=H", raw, 28)[0]
    megabits = high << 16 | low
    return 0 if megabits in _UNKNOWN_SPEEDS else megabits * 1_000_000


def _rss(fd: int, interface: str) -> bool | None:
    raw = _ethtool(fd, interface, struct.pack("=II184x", _ETHTOOL_GRXRINGS, 0))
    return None if raw is None else struct.unpack_from("=Q", raw, 8)[0] > 1
