"""``block``: a firewall rule drops what matches, in silence, or rejects it.

Unlike ``link-down`` no host sees a carrier go. The rule's id is in the step's result, for ``unblock``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.faults import ruling
from swrap.faults.effects import Drop, Reject
from swrap.faults.ruling import Ruling

_OPTIONS = {
    "reject": {
        "type": "boolean",
        "description": "True: with an answer. A SYN is refused, a stream is reset at its sender.",
    }
}


@dataclass(frozen=True, slots=True)
class Block(Ruling):
    """``block: {host: server, port: 445}``, ``block: {port: 445, reject: true}``."""

    verb: ClassVar = "block"
    sentence: ClassVar = "A firewall rule drops what matches, established flows included, or rejects it."
    options: ClassVar = _OPTIONS
    schema: ClassVar = ruling.schema(_OPTIONS)
    said: ClassVar = ruling.said(_OPTIONS)

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> Drop | Reject:
        return Reject() if options.get("reject") else Drop()
