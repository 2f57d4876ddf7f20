"""``rate``: an interface carries no more than so much, in each direction, shared by all that crosses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.document import JSON
from swrap.document.formats import RATE
from swrap.faults.base import InterfaceFault, Target, Touched


@dataclass(frozen=True, slots=True)
class Rate(InterfaceFault):
    """``rate: {interface: server.eth0, rate: 10M}``; without a ``rate`` there is no limit."""

    rate: int | None = None

    verb: ClassVar = "rate"
    sentence: ClassVar = "An interface carries another rate, shared by all that crosses it."
    schema: ClassVar = {
        "type": "object",
        "properties": {"interface": {"type": "string"}, "rate": RATE},
        "required": ["interface"],
    }
    said: ClassVar = {"interface": "HOST.INTERFACE", "rate": "bits/s, or null: no limit"}

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate < 1 << 63:
            raise ValueError("a rate is more than 0 bits per second; link-down stops all")

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(**value)

    async def apply(self, target: Target) -> Touched:
        return await target.rate(self.interface, self.rate)

    def data(self) -> dict[str, JSON]:
        return {"interface": self.interface, "rate": self.rate}
