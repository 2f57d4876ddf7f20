"""getifaddrs(3): the addresses of this host's interfaces, as its kernel tells them now.

Owns the C structures. Must not know who asks: the server for what it offers, the client for what it is connected to.
"""

from __future__ import annotations

import ctypes
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_IFF_RUNNING = 0x40


@dataclass(frozen=True, slots=True)
class Row:
    """One address of one interface; `flags` as netdevice(7) has them."""

    name: str
    flags: int
    address: IPv4Address | IPv6Address
    network: IPv4Network | IPv6Network

    @property
    def up(self) -> bool:
        """Configured up, whether or not a cable is in."""
        return bool(self.flags & _IFF_UP)

    @property
    def running(self) -> bool:
        """Up, and the kernel sees a carrier."""
        return self.up and bool(self.flags & _IFF_RUNNING)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & _IFF_LOOPBACK)


class _IfAddrs(ctypes.Structure):
    """struct ifaddrs. Addresses stay plain pointers: which of them are there depends on the entry."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
    ("netmask", ctypes.c_void_p),
    ("broadcast", ctypes.c_void_p),
    ("data", ctypes.c_void_p),
]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.getifaddrs.argtypes = [ctypes.POINTER(ctypes.POINTER(_IfAddrs))]
_libc.freeifaddrs.argtypes = [ctypes.POINTER(_IfAddrs)]


def rows() -> list[Row]:
    """All IPv4 and IPv6 addresses, in the kernel's order. OSError: it does not say."""
    first = ctypes.POINTER(_IfAddrs)()
    if _libc.getifaddrs(ctypes.byref(first)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "getifaddrs")
    found: list[Row] = []
    try:
        entry = first
        while entry:
            row = entry.contents
            address, mask = _address(row.address), _address(row.netmask)
            if address is not None:
                bits = int(mask).bit_count() if mask is not None else address.max_prefixlen
                network = ip_network((address.packed, bits), strict=False)
                found.append(Row(os.fsdecode(row.name), row.flags, address, network))
            entry = row.next
    finally:
        _libc.freeifaddrs(first)
    return found


def _address(pointer: int | None) -> IPv4Address | IPv6Address | None:
    """From a struct sockaddr; None for other families."""
    if not pointer:
        return None
    family = int.from_bytes(ctypes.string_at(pointer, 2), "little")
    if family == socket.AF_INET:
        return ip_address(ctypes.string_at(pointer + 4, 4))
    if family == socket.AF_INET6:
        return ip_address(ctypes.string_at(pointer + 8, 16))
    return None
