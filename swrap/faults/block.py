"""``block``: a firewall rule drops what matches, in silence.

Unlike ``link-down`` no host sees a carrier go. The rule's id is in the step's result, for ``unblock``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from swrap.faults import match
from swrap.faults.base import Fault, Target, Touched
from swrap.faults.match import Match
from swrap.topology import Topology


@dataclass(frozen=True, slots=True)
class Block(Fault):
    """``block: {host: server, port: 445}``; see ``match`` for what can be said."""

    what: Match

    verb: ClassVar = "block"
    sentence: ClassVar = "A firewall rule drops what matches, in silence, established flows included."
    schema: ClassVar = match.SCHEMA
    said: ClassVar = {**match.FIELDS, "rule": "the rule's id, for unblock"}

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(Match.of(value))

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        yield from self.what.against(topology)

    async def apply(self, target: Target) -> Touched:
        return await target.block(self.what)
