"""The account of a lost channel's requests, until all of them are under way again.

Owns the counting and the one event that sums it up. Must not know channels or requests: ``session`` makes a
batch when a channel is lost, and every request of it settles its part.
"""

from __future__ import annotations

from typing import Protocol

from server.client.errors import ChannelLost
from server.client.events import Field


class Tell(Protocol):
    def __call__(self, kind: str, /, **fields: Field) -> None: ...


class Batch:
    """``requests`` of the ``channel`` of that number were without an answer when it was lost."""

    def __init__(self, channel: int, requests: int, channel_sequence: int, tell: Tell) -> None:
        self._channel = channel
        self._left = requests
        self._sequence = channel_sequence
        self._tell = tell
        self._over: list[int] = []

    def settle(self, carrier: int | None) -> None:
        """One of them is sent over the channel ``carrier``, or (None) given up."""
        self._left -= 1
        if carrier is not None:
            self._over.append(carrier)
        if self._left == 0 and self._over:
            self._tell(
                "replayed",
                channel=self._channel,
                requests=len(self._over),
                channel_sequence=self._sequence,
                over=sorted(set(self._over)),
            )


class LostWithRequests(ChannelLost):
    """What each request of a lost channel is told: why, and the batch it belongs to."""

    def __init__(self, reason: str, batch: Batch) -> None:
        super().__init__(reason)
        self.batch = batch
