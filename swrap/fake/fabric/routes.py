"""Which interfaces a packet crosses, from host to host.

Owns the routing of a topology: interfaces in one subnet hang on one segment; a host with ``forward`` joins its
segments; ``gateway`` is where all else goes. Pure: no cables, no rules. Asked once a pair of addresses,
as long as no address changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from swrap.fake.fabric.addresses import Addresses
from swrap.fake.kernel.address import is_loopback
from swrap.topology import Host, Topology

_MOST_HOPS = 64


class Route(NamedTuple):
    """``out`` and ``into``: interfaces (``"server.eth0"``) that a packet leaves and enters by, in their order.

    ``host``: where it ends; None where nobody has the address.
    """

    out: tuple[str, ...]
    into: tuple[str, ...]
    host: str | None


class Routes:
    """The routes of one topology, with the addresses that there are now."""

    def __init__(self, topology: Topology, addresses: Addresses) -> None:
        self._addresses = addresses
        self._hosts = {host.name: host for host in topology.hosts}

    @property
    def owners(self) -> dict[str, tuple[str, str]]:
        """By address: the host, and the interface as ``"server.eth0"``."""
        return self._addresses.owners

    def route(self, host: str, target: str) -> Route | None:
        """From ``host`` to the address ``target``; None where the host has no route (ENETUNREACH)."""
        owner = self.owners.get(target, (None, None))[0]
        if is_loopback(target) or owner == host:
            return Route((), (), host)
        out: list[str] = []
        into: list[str] = []
        at, address = self._hosts[host], ip_address(target)
        for _ in range(_MOST_HOPS):
            if target in self.owners and self.owners[target][0] == at.name:
                return Route(tuple(out), tuple(into), at.name)
            step = self._step(at, address)
            if step is None:
                return None if at.name == host else Route(tuple(out), tuple(into), None)
            leaves, hop = step
            out.append(leaves)
            found = self.owners.get(hop)
            if found is None:
                return Route(tuple(out), tuple(into), None)
            into.append(found[1])
            at = self._hosts[found[0]]
            if at.name != owner and not at.forward:
                return Route(tuple(out), tuple(into), None)
        return Route(tuple(out), tuple(into), None)

    def source(self, host: str, target: str) -> str | None:
        """The address from which ``host`` sends to ``target``; None where it has no route."""
        if is_loopback(target):
            return target if ":" in target else "127.0.0.1"
        if self.owners.get(target, (None,))[0] == host:
            return target
        address = ip_address(target)
        for _, own, network in self._networks(self._hosts[host]):
            if address in network:
                return own
        gateway = self._hosts[host].gateway
        if gateway is not None and gateway.version == address.version and gateway != address:
            return self.source(host, str(gateway))
        return None

    def _step(self, at: Host, address: IPv4Address | IPv6Address) -> tuple[str, str] | None:
        """The interface to leave by, and the address of the next hop."""
        for interface, _, network in self._networks(at):
            if address in network:
                return interface, str(address)
        gateway = at.gateway
        if gateway is not None and gateway.version == address.version and gateway != address:
            first = self._step(at, gateway)
            return None if first is None else (first[0], str(gateway))
        return None

    def _networks(self, host: Host) -> Iterator[tuple[str, str, IPv4Network | IPv6Network]]:
        for interface, address in self._addresses.host(host.name):
            yield interface, str(address.ip), address.network
