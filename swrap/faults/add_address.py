"""``add-address``: an interface gets one more address, and its host is told, as by ``ip address add``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_interface
from typing import Any, ClassVar, Self

from swrap.faults.base import InterfaceFault, Target, Touched
from swrap.topology import Topology
from swrap.topology.schema import ADDRESS


@dataclass(frozen=True, slots=True)
class AddAddress(InterfaceFault):
    """``add-address: {interface: server.eth0, address: 10.0.1.9/24}``."""

    address: str

    verb: ClassVar = "add-address"
    sentence: ClassVar = "An interface gets one more address."
    schema: ClassVar = {
        "type": "object",
        "properties": {"interface": {"type": "string"}, "address": ADDRESS},
        "required": ["interface", "address"],
    }
    said: ClassVar = {"interface": "HOST.INTERFACE", "address": "ADDRESS/PREFIX"}
    may_miss: ClassVar = True

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(**value)

    def after(self, topology: Topology) -> Topology:
        host, _, name = self.interface.partition(".")
        try:
            one, interface = topology.host(host), topology.interface(self.interface)
            grown = replace(interface, addresses=(*interface.addresses, ip_interface(self.address)))
            parts = tuple(grown if part.name == name else part for part in one.interfaces)
            hosts = tuple(replace(one, interfaces=parts) if part is one else part for part in topology.hosts)
            return replace(topology, hosts=hosts)
        except (KeyError, ValueError):
            return topology  # what is wrong with it is told elsewhere

    async def apply(self, target: Target) -> Touched:
        return await target.add_address(self.interface, self.address)
