"""Network interfaces of this host, as of now: getifaddrs(3) and SIOCETHTOOL.

Implements `server.ports.interfaces.Interfaces`. Nothing is remembered between two queries.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from server.ports.interfaces import InterfaceAddress
from server.posix.ethtool import Ethtool

_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_IFF_RUNNING = 0x40
_UNKNOWN_SPEED = 1_000_000_000
"""Bit/s where a driver does not say, as Samba assumes."""


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


class PosixInterfaces:
    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._getifaddrs = libc.getifaddrs
        self._freeifaddrs = libc.freeifaddrs
        self._getifaddrs.argtypes = [ctypes.POINTER(ctypes.POINTER(_IfAddrs))]
        self._freeifaddrs.argtypes = [ctypes.POINTER(_IfAddrs)]

    def query(self) -> list[InterfaceAddress]:
        found: list[InterfaceAddress] = []
        with Ethtool() as ethtool:
            for name, flags, address in self._addresses():
                if not flags & _IFF_UP:
                    continue
                link = ethtool.link(name)
                found.append(
                    InterfaceAddress(
                        index=_index(name),
                        name=name,
                        address=address,
                        speed=ethtool.speed(name) or _UNKNOWN_SPEED,
                        rss=(ethtool.rings(name) or 0) > 1,
                        rdma=False,
                        running=bool(flags & _IFF_RUNNING) and link is not False,
                        loopback=bool(flags & _IFF_LOOPBACK),
                    )
                )
        return found

    def _addresses(self) -> Iterator[tuple[str, int, IPv4Address | IPv6Address]]:
        first = ctypes.POINTER(_IfAddrs)()
        if self._getifaddrs(ctypes.byref(first)) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "getifaddrs")
        try:
            entry = first
            while entry:
                address = _address(entry.contents.address)
                if address is not None:
                    yield os.fsdecode(entry.contents.name), entry.contents.flags, address
                entry = entry.contents.next
        finally:
            self._freeifaddrs(first)


def _address(pointer: int | None) -> IPv4Address | IPv6Address | None:
    """From a struct sockaddr; None for other families."""
    if not pointer:
        return None
    family = int.from_bytes(ctypes.string_at(pointer, 2), "little")
    if family == socket.AF_INET:
        return IPv4Address(ctypes.string_at(pointer + 4, 4))
    if family == socket.AF_INET6:
        return IPv6Address(ctypes.string_at(pointer + 8, 16))
    return None


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return 0  # gone since it was listed
        raise
