"""Which channel carries the next request: the one with the fewest outstanding (MS-SMB2 3.2.4.1.7, <122>).

A pure choice. Must not know requests or sockets. Called by ``session``.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.client.channel import Channel


class Scheduler:
    """``least_outstanding``, equals in turn."""

    def __init__(self) -> None:
        self._last = 0

    def pick(self, channels: Iterable[Channel], charge: int, size: int) -> Channel | None:
        """One with room for a request of ``charge`` credits and ``size`` bytes; None: wait for an answer."""
        free = [channel for channel in channels if channel.room_for(charge, size)]
        if not free:
            return None
        chosen = min(
            free, key=lambda channel: (channel.outstanding, channel.number <= self._last, channel.number)
        )
        self._last = chosen.number
        return chosen
