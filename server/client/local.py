"""This host's interfaces, as its kernel tells them now: addresses, cable, speed, receive queues.

Owns getifaddrs(3) with prefix lengths. Must not know what anybody does with the answer. ``LocalInterfaces``
is the seam; ``KernelInterfaces`` the real thing. Called by ``keeper``.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from server.posix.ethtool import Ethtool

_IFF_UP = 0x1
_IFF_RUNNING = 0x40


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
        with Ethtool() as ethtool:
            for name, flags, address, network in _addresses():
                if name not in facts:
                    rings = ethtool.rings(name)
                    running = bool(flags & _IFF_UP and flags & _IFF_RUNNING)
                    up = running and ethtool.link(name) is not False
                    facts[name] = ethtool.speed(name) or 0, None if rings is None else rings > 1, up
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
