"""``reorder``: some datagrams are overtaken by those behind them.

A stream puts its packets in order, so that its programs see nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.document import Schema
from swrap.document.formats import CHANCE, DURATION
from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling

_OPTIONS: Mapping[str, Schema] = {
    "chance": CHANCE | {"description": "Of each datagram, to be late."},
    "time": DURATION | {"description": "By how much; 10 ms where nothing is said."},
}


@dataclass(frozen=True, slots=True)
class Reorder(Ruling):
    """``reorder: {host: server, chance: 5%, time: 10ms}``."""

    verb: ClassVar = "reorder"
    sentence: ClassVar = "Some datagrams arrive later than those behind them."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS, "chance")
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Reorder:
        return effects.Reorder(options["chance"], options.get("time", 0.01))
