"""``link-down``: the cable of an interface is pulled.

No frame crosses the interface any more, and its host sees that the carrier is gone. Nobody else is told:
established flows freeze, their senders' un-acked bytes pile up, and a SYN times out (there is no ARP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import InterfaceFault, Target, Touched

SCHEMA = {
    "title": "an interface such as server.eth0",
    "anyOf": [
        {"type": "string"},
        {"type": "object", "properties": {"interface": {"type": "string"}}, "required": ["interface"]},
    ],
}


@dataclass(frozen=True, slots=True)
class LinkDown(InterfaceFault):
    """``link-down: server.eth0``, or ``link-down: {interface: server.eth0}``."""

    verb: ClassVar = "link-down"
    sentence: ClassVar = "The cable of an interface is pulled: nothing crosses it, flows over it freeze."
    schema: ClassVar = SCHEMA
    said: ClassVar = {"interface": "HOST.INTERFACE"}

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(value["interface"] if isinstance(value, dict) else value)

    async def apply(self, target: Target) -> Touched:
        return await target.link(self.interface, up=False)
