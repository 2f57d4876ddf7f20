"""What a server says of its interfaces (MS-SMB2 3.3.5.15.11): from the host's state to the entries of the
answer.

Pure function. Called by IOCTL, with what the host says at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address

from server.ports.interfaces import InterfaceAddress
from server.wire.ioctl import InterfaceCapability, NetworkInterface


def advertised(
    interfaces: Iterable[InterfaceAddress],
    rdma: Collection[str] = (),
    public: Collection[IPv4Address | IPv6Address] = (),
) -> list[NetworkInterface]:
    """One entry per address that a client could connect to. `rdma`: names of interfaces that are told to do RDMA.

    Left out: interfaces without carrier, without an index or a speed; link-local addresses, whose scope means
    nothing to another host; `public` ones, which may be another node's the next moment; loopback, unless there is
    nothing else.
    """
    usable = [
        found
        for found in interfaces
        if found.running
        and found.index
        and found.speed
        and not found.address.is_link_local
        and found.address not in public
    ]
    reachable = [found for found in usable if not found.loopback]
    return [
        NetworkInterface(
            found.index, found.address, found.speed, _capability(found, found.rdma or found.name in rdma)
        )
        for found in reachable or usable
    ]


def _capability(found: InterfaceAddress, rdma: bool) -> int:
    capability: int = InterfaceCapability.NONE
    if found.rss:
        capability |= InterfaceCapability.RSS
    if rdma:
        capability |= InterfaceCapability.RDMA
    return capability
