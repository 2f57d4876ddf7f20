"""``lose-acks``: data arrives, and the sender never learns.

The direction is that of the data. Its un-acked bytes pile up until the window is full, and in the end the
sender gives the flow up, though all had arrived. Data of the other direction is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling


@dataclass(frozen=True, slots=True)
class LoseAcks(Ruling):
    """``lose-acks: {host: laptop, direction: out}``: the laptop never hears that its data arrived."""

    verb: ClassVar = "lose-acks"
    sentence: ClassVar = "Data arrives, but its sender never learns: the ACKs are lost."
    schema: ClassVar = ruling.schema({})
    said: ClassVar = ruling.said({})

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.LoseAcks:
        return effects.LoseAcks()
