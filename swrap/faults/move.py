"""``move``: an address goes to another interface, of another host as a rule, as in a cluster.

New connections are the new host's. Established ones stay with their sockets on the old host: in silence they
freeze, as while all still have the old hardware address in mind; with ``reset`` both ends get a RST at once,
as by a cluster's tickle. Moved back, what is frozen goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import Fault, Target, Touched, interface_problem
from swrap.topology import Topology


@dataclass(frozen=True, slots=True)
class Move(Fault):
    """``move: {address: 10.0.1.10, to: second.eth0}``, ``move: {address: …, to: …, reset: true}``."""

    address: str
    to: str
    reset: bool = False

    verb: ClassVar = "move"
    sentence: ClassVar = "An address moves to another interface; its flows freeze, or are reset."
    schema: ClassVar = {
        "type": "object",
        "properties": {
            "address": {"type": "string", "format": "address"},
            "to": {"type": "string", "description": "HOST.INTERFACE"},
            "reset": {"type": "boolean", "description": "End its established flows with a RST."},
        },
        "required": ["address", "to"],
    }
    said: ClassVar = {
        "address": "the address",
        "to": "HOST.INTERFACE that has it now",
        "reset": "were its established flows reset",
    }

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(**value)

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        problem = interface_problem(topology, self.to)
        if problem:
            yield ("to",), problem

    async def apply(self, target: Target) -> Touched:
        return await target.move(self.address, self.to, self.reset)
