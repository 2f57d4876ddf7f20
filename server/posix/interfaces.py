"""Network interfaces of this host, as of now: getifaddrs(3) and SIOCETHTOOL.

Implements `server.ports.interfaces.Interfaces`. Nothing is remembered between two queries.
"""

from __future__ import annotations

import errno
import socket

from server.ports.interfaces import InterfaceAddress
from server.posix import getifaddrs
from server.posix.ethtool import Ethtool

_UNKNOWN_SPEED = 1_000_000_000
"""Bit/s where a driver does not say, as Samba assumes."""


class PosixInterfaces:
    def query(self) -> list[InterfaceAddress]:
        with Ethtool() as ethtool:
            return [
                InterfaceAddress(
                    index=_index(row.name),
                    name=row.name,
                    address=row.address,
                    speed=ethtool.speed(row.name) or _UNKNOWN_SPEED,
                    rss=(ethtool.rings(row.name) or 0) > 1,
                    rdma=False,
                    running=row.running and ethtool.link(row.name) is not False,
                    loopback=row.loopback,
                )
                for row in getifaddrs.rows()
                if row.up
            ]


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return 0  # gone since it was listed
        raise
