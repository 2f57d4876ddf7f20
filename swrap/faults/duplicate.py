"""``duplicate``: some datagrams arrive twice.

A stream drops what it has already, so that its programs see nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.document import Schema
from swrap.document.formats import CHANCE
from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling

_OPTIONS: Mapping[str, Schema] = {"chance": CHANCE | {"description": "Of each datagram, to come twice."}}


@dataclass(frozen=True, slots=True)
class Duplicate(Ruling):
    """``duplicate: {host: server, chance: 5%}``."""

    verb: ClassVar = "duplicate"
    sentence: ClassVar = "Some datagrams arrive twice."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS, "chance")
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Duplicate:
        return effects.Duplicate(options["chance"])
