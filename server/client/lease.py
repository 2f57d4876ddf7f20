"""A lease as its holder sees it: what may be cached of one file, and since when (MS-SMB2 3.2.5.7.5, 3.2.5.19.2).

Sans-I/O. Owns key, state and epoch; answers and notifications may arrive in any order, since any channel may bring
them: the epoch tells which is the newer. Must not know what is cached. Called by ``opening`` and ``leases``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from server.client.request import TreeId
from server.wire.create_contexts import REQUEST_LEASE, CreateContext
from server.wire.create_contexts import Lease as LeaseContext
from server.wire.oplock_break import LeaseBreakNotification

_BREAK_IN_PROGRESS = 2


class Caching(IntFlag):
    """What a lease allows (2.2.13.2.8): to keep what was read, the open itself, and what was written."""

    NONE = 0
    R = 1
    H = 2
    W = 4

    @classmethod
    def of(cls, letters: str) -> Caching:
        """From letters such as "RWH". ValueError: another letter."""
        state = cls.NONE
        for letter in letters:
            if letter not in "RWH":
                raise ValueError(f"{letters!r} is no lease: its letters are R, W and H")
            state |= cls[letter]
        return state

    @property
    def letters(self) -> str:
        return "".join(letter for letter in "RWH" if self & Caching[letter])


@dataclass(slots=True, eq=False)
class Lease:
    """``wanted`` is asked for with every open; ``state`` is what the server has granted and not taken back."""

    key: bytes
    path: str
    tree: TreeId
    wanted: Caching
    state: Caching = Caching.NONE
    epoch: int = 0
    lapses: int = 0
    """How often it has come to not allowing to keep what was read."""

    def request(self) -> CreateContext:
        return CreateContext(
            REQUEST_LEASE, LeaseContext(self.key, self.wanted, version=2, epoch=self.epoch).encode()
        )

    def reclaim(self) -> CreateContext:
        """The same, for the return to an open: it has this lease, and no other."""
        return CreateContext(
            REQUEST_LEASE, LeaseContext(self.key, self.state, version=2, epoch=self.epoch).encode()
        )

    def granted(self, answer: bytes | None) -> None:
        """What a CREATE was answered; None: it got no lease. MalformedError: that is no RqLs."""
        if answer is None:
            return
        given = LeaseContext.decode(answer)
        state = Caching(given.state & 7)
        if (
            given.flags & _BREAK_IN_PROGRESS
        ):  # The notification comes on its own; no more than is left till then.
            self._become(self.state & state)
        elif self._newer(given.epoch):
            self.epoch = given.epoch
            self._become(state)

    def broken(self, notice: LeaseBreakNotification) -> Caching | None:
        """The state that is left, or None: an old notification, whose news has been overtaken."""
        if notice.epoch != self.epoch and not self._newer(notice.epoch):
            return None
        self.epoch = notice.epoch
        self._become(Caching(notice.new & 7))
        return self.state

    def lost(self) -> None:
        """The open that had it is no more."""
        self._become(Caching.NONE)

    def _become(self, state: Caching) -> None:
        if not state & Caching.R:
            self.lapses += 1
        self.state = state

    def _newer(self, epoch: int) -> bool:
        return 0 < (epoch - self.epoch) & 0xFFFF < 0x8000
