"""``loss``: some packets do not arrive.

On a stream nothing is missing in the end: what shows is the time that a retransmission takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.document import Schema
from swrap.document.formats import CHANCE
from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling

_OPTIONS: Mapping[str, Schema] = {"chance": CHANCE | {"description": "Of each packet, to be lost."}}


@dataclass(frozen=True, slots=True)
class Loss(Ruling):
    """``loss: {between: [laptop, server], chance: 1%}``."""

    verb: ClassVar = "loss"
    sentence: ClassVar = "Some packets are lost: datagrams for good, those of a stream are sent again."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS, "chance")
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Loss:
        return effects.Loss(options["chance"])
