"""``remove-address``: an interface loses an address, and its host is told, as by ``ip address del``.

Established flows of the address freeze: nobody answers for it any more, and a SYN to it meets silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults.base import Fault, Target, Touched


@dataclass(frozen=True, slots=True)
class RemoveAddress(Fault):
    """``remove-address: 10.0.1.1``, or ``remove-address: {address: 10.0.1.1}``."""

    address: str

    verb: ClassVar = "remove-address"
    sentence: ClassVar = "An interface loses an address; its flows freeze."
    schema: ClassVar = {
        "title": "an address such as 10.0.1.1",
        "anyOf": [
            {"type": "string", "format": "address"},
            {
                "type": "object",
                "properties": {"address": {"type": "string", "format": "address"}},
                "required": ["address"],
            },
        ],
    }
    said: ClassVar = {"address": "the address"}

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(value["address"] if isinstance(value, dict) else value)

    async def apply(self, target: Target) -> Touched:
        return await target.remove_address(self.address)
