"""This host's interfaces, as its kernel tells them now: addresses, cable, speed, receive queues.

Owns what the client wants to know of them. Must not know what anybody does with the answer. ``LocalInterfaces``
is the seam; ``KernelInterfaces`` the real thing. Called by ``keeper``.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

from server.posix import getifaddrs
from server.posix.ethtool import Ethtool


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
            for row in getifaddrs.rows():
                if row.name not in facts:
                    rings = ethtool.rings(row.name)
                    up = row.running and ethtool.link(row.name) is not False
                    facts[row.name] = ethtool.speed(row.name) or 0, None if rings is None else rings > 1, up
                speed, rss, up = facts[row.name]
                found.append(LocalAddress(row.name, row.address, row.network, speed, rss, up))
        return tuple(found)
