"""Message ids and credits of one connection (MS-SMB2 3.3.1.1, 3.3.1.2, 3.3.5.2.3, 3.3.4.1.2).
 Owns the set of ids that the client may still use. Must not know messages. Called by the dispatcher for each
request, and for each response to grant anew.
"""

from __future__ import annotations

from collections.abc import Iterable


class SequenceWindow:
    """Ids from `low` to before `high` are granted; those in `_used` are consumed out of order.

    `limit` bounds the credits that a client holds; the span of the window stays within twice that, so that
    ids which are never used cannot make it grow (an attack, or a client that skips).
    """

    __slots__ = ("_used", "high", "limit", "low")

    def __init__(self, limit: int) -> None:
        self.low = 0
        self.high = 1  # one credit, before anything is granted
        self.limit = limit
        self._used: set[int] = set()

    @classmethod
    def of(cls, limit: int, low: int, high: int, used: Iterable[int]) -> SequenceWindow:
        """As it stands in another process."""
        window = cls(limit)
        window.low, window.high = low, high
        window._used = set(used)
        return window

    @property
    def used(self) -> list[int]:
        """The ids from `low` on that are consumed, in order."""
        return sorted(self._used)

    @property
    def available(self) -> int:
        """Credits that the client holds."""
        return self.high - self.low - len(self._used)

    def consume(self, message_id: int, charge: int) -> bool:
        """Take `charge` ids from `message_id` on. False, and nothing taken: one of them is not the client's
        to use.
        """
        if charge == 1 and message_id == self.low and message_id < self.high:
            self.low += 1
        else:
            ids = range(message_id, message_id + charge)
            if message_id < self.low or ids.stop > self.high or not self._used.isdisjoint(ids):
                return False
            self._used.update(ids)
        while self.low in self._used:
            self._used.remove(self.low)
            self.low += 1
        return True

    def grant(self, wanted: int) -> int:
        """Credits for a response: what was asked for as far as the limits go, and never so few that none is
        left.
        """
        low, high, limit = self.low, self.high, self.limit
        held = high - low - len(self._used)
        given = min(wanted, limit - held, low + 2 * limit - high, 0xFFFF)
        if given <= 0:
            given = 0 if held else 1
        self.high += given
        return given
