"""``corrupt``: one bit of some datagrams is not what it was.

As if it had happened where no checksum looks. On a stream the checksum does: such a packet is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.document import Schema
from swrap.document.formats import CHANCE
from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling

_OPTIONS: Mapping[str, Schema] = {"chance": CHANCE | {"description": "Of each packet, to be damaged."}}


@dataclass(frozen=True, slots=True)
class Corrupt(Ruling):
    """``corrupt: {host: server, chance: 1%}``."""

    verb: ClassVar = "corrupt"
    sentence: ClassVar = "One bit of some datagrams arrives as another; a stream sends such a packet again."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS, "chance")
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Corrupt:
        return effects.Corrupt(options["chance"])
