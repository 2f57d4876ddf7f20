"""Which channel carries the next request (MS-SMB2 3.2.4.1.7 leaves it open).

A pure choice. Must not know requests or sockets. Called by ``session``.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.client.channel import Channel

SCHEDULING = ("least_outstanding", "round_robin")


class Scheduler:
    """``least_outstanding``: the one with the fewest requests outstanding, as Windows does (<122>), equals in turn.
    ``round_robin``: each in turn, however much it has to do. ValueError: another name.
    """

    def __init__(self, kind: str = "least_outstanding") -> None:
        if kind not in SCHEDULING:
            raise ValueError(f"no scheduling {kind!r}; there are: {', '.join(SCHEDULING)}")
        self._least = kind == "least_outstanding"
        self._last = 0

    def pick(self, channels: Iterable[Channel], charge: int, size: int) -> Channel | None:
        """One with room for a request of ``charge`` credits and ``size`` bytes; None: wait for an answer."""
        free = [channel for channel in channels if channel.room_for(charge, size)]
        if not free:
            return None
        chosen = min(
            free,
            key=lambda channel: (
                channel.outstanding if self._least else 0,
                channel.number <= self._last,
                channel.number,
            ),
        )
        self._last = chosen.number
        return chosen
