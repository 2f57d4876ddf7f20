"""Which interface has which address, now.

Owns what the faults change of it: addresses come, go and move, and in the end are what the topology says. Must not
know routes or flows. Made by the fabric; ``routes`` looks here.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

from swrap.topology import Interface, Topology, TopologyError

IPInterface = IPv4Interface | IPv6Interface


class Addresses:
    """``of`` an interface (``"server.eth0"``), in their order; ``owners``: host and interface by address."""

    def __init__(self, topology: Topology) -> None:
        if topology.link_local:
            raise NotImplementedError("the fake network has no link-local addresses: they need a scope")
        self._topology = topology
        self.of: dict[str, list[IPInterface]] = {}
        self.owners: dict[str, tuple[str, str]] = {}
        self.restore()

    def restore(self) -> None:
        """As the topology has them."""
        self.of = {
            name: list(self._topology.interface(name).addresses) for name in self._topology.interface_names()
        }
        self._index()

    def host(self, name: str) -> list[tuple[str, IPInterface]]:
        """All of a host, with their interfaces, in the order of the topology."""
        return [
            (f"{name}.{interface.name}", address)
            for interface in self._topology.host(name).interfaces
            for address in self.of[f"{name}.{interface.name}"]
        ]

    def add(self, interface: str, text: str) -> None:
        """One more. Raises ValueError where it cannot be."""
        self._known(interface)
        if "/" not in text:
            raise ValueError(f"an address here has a prefix, such as 10.0.1.9/24, which {text!r} has not")
        address = ip_interface(text)
        holder = self.owners.get(str(address.ip))
        if holder is not None:
            raise ValueError(f"{address.ip} is taken: {holder[1]} has it")
        try:
            Interface("any", (address,), mtu=self._topology.interface(interface).mtu)
        except TopologyError as error:
            raise ValueError(error.message) from None
        self.of[interface].append(address)
        self._index()

    def remove(self, text: str) -> IPInterface:
        """One less; what it was. Raises ValueError."""
        ip = ip_address(text)
        for own in self.of.values():
            for address in own:
                if address.ip == ip:
                    own.remove(address)
                    self._index()
                    return address
        raise ValueError(f"no interface has the address {ip}")

    def move(self, text: str, to: str) -> None:
        """To another interface. Raises ValueError."""
        self._known(to)
        if self.owners.get(str(ip_address(text)), ("", ""))[1] == to:
            raise ValueError(f"{to} has {text} already")
        self.of[to].append(self.remove(text))
        self._index()

    def _known(self, interface: str) -> None:
        if interface not in self.of:
            raise ValueError(f"no interface {interface}")

    def _index(self) -> None:
        self.owners = {
            str(address.ip): (name.partition(".")[0], name)
            for name, own in self.of.items()
            for address in own
        }
