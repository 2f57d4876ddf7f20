"""``speed``: an interface reports another speed, as after a negotiation; what it carries is ``rate``.

Its host is told, as by a driver: programs that watch interfaces see the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document.formats import RATE
from swrap.faults.base import InterfaceFault, Target, Touched


@dataclass(frozen=True, slots=True)
class Speed(InterfaceFault):
    """``speed: {interface: server.eth0, speed: 100M}``."""

    speed: int

    verb: ClassVar = "speed"
    sentence: ClassVar = "An interface reports another speed; what it carries does not change."
    schema: ClassVar = {
        "type": "object",
        "properties": {"interface": {"type": "string"}, "speed": RATE},
        "required": ["interface", "speed"],
    }
    said: ClassVar = {"interface": "HOST.INTERFACE", "speed": "bits/s"}
    may_miss: ClassVar = True

    def __post_init__(self) -> None:
        if not 0 < self.speed < 1 << 63:
            raise ValueError("a speed is more than 0 bits per second")

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(**value)

    async def apply(self, target: Target) -> Touched:
        return await target.speed(self.interface, self.speed)
