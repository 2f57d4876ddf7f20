"""Interfaces: which network interfaces this host has, as of now.

Called on every FSCTL_QUERY_NETWORK_INTERFACE_INFO, so that a pulled cable shows in the next answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of one interface. `speed` in bit/s; `running`: it has carrier; `rss`: more than one receive
    queue.
    """

    index: int
    name: str
    address: IPv4Address | IPv6Address
    speed: int
    rss: bool
    rdma: bool
    running: bool
    loopback: bool


class Interfaces(Protocol):
    def query(self) -> list[InterfaceAddress]:
        """All addresses of all interfaces that are up, in the system's order. OSError: the system does not
        say.
        """
        ...
