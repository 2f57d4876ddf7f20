"""``delay``: what matches arrives later.

Several delays add up, that of the lab included. A stream keeps its order whatever the jitter, datagrams do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.document import Schema
from swrap.document.formats import DURATION
from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling

_OPTIONS: Mapping[str, Schema] = {
    "time": DURATION | {"description": "How much later, each way that matches."},
    "jitter": DURATION | {"description": "It may be so much earlier or later than that."},
}


@dataclass(frozen=True, slots=True)
class Delay(Ruling):
    """``delay: {interface: server.eth0, time: 20ms, jitter: 5ms}``."""

    verb: ClassVar = "delay"
    sentence: ClassVar = "What matches arrives later, give or take a jitter; a stream stays in its order."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS, "time")
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Delay:
        return effects.Delay(options["time"], options.get("jitter", 0.0))
