"""``add-address``: an interface gets one more address, and its host is told, as by ``ip address add``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import Fault, Target, Touched, interface_problem
from swrap.topology import Topology
from swrap.topology.schema import ADDRESS


@dataclass(frozen=True, slots=True)
class AddAddress(Fault):
    """``add-address: {interface: server.eth0, address: 10.0.1.9/24}``."""

    interface: str
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

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        problem = interface_problem(topology, self.interface)
        if problem:
            yield ("interface",), problem

    async def apply(self, target: Target) -> Touched:
        return await target.add_address(self.interface, self.address)
