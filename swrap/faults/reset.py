"""``reset``: flows end with a RST at both ends, as a firewall or a router that lost its state makes them end.

Both programs see ECONNRESET. The path stays open: a new connection gets through.
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
class Reset(Fault):
    """``reset: {between: [server, laptop]}``; see ``match`` for what can be said."""

    what: Match

    verb: ClassVar = "reset"
    sentence: ClassVar = "The flows that match end with a RST at both ends; new ones get through."
    schema: ClassVar = match.SCHEMA
    said: ClassVar = dict(match.FIELDS)

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(Match.of(value))

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        yield from self.what.against(topology)

    async def apply(self, target: Target) -> Touched:
        return await target.reset(self.what)
