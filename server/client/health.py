"""Whether a channel is alive, judged from what its socket says over time. Sans-I/O: time is passed in.

Owns the thresholds' meaning. Must not know sockets or other channels. Called by ``keeper``, many times a
second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

RTO_LEAST, RTO_MOST = 0.2, 1.0
"""Seconds between which a retransmission time-out is taken for the judgement, as Samba does."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a channel. Totals in bytes since the connection began; times in seconds.

    ``acked`` can never fall; ``unacked`` is what the kernel holds un-acknowledged. ``heard`` counts received
    bytes. ``owed_since``: when the oldest request without an answer was sent, None if there is none.
    """

    now: float
    acked: int
    unacked: int
    rto: float
    heard: int
    owed_since: float | None


class State(Enum):
    ALIVE = "alive"
    UNSURE = "unsure"
    """It owes a sign of life: ask for one."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    reason: str = ""


@dataclass
class Health:
    """The memory between samples of one channel, which was certainly alive at ``since``."""

    since: float
    rto_multiple: float = 6.0
    ask_after: float = 1.0
    answer_timeout: float = 4.0
    echo_interval: float = 5.0

    _acked: int = field(default=0, init=False)
    _clear_at: float = field(default=0.0, init=False)
    _limit: float = field(default=0.0, init=False)
    _heard: int = field(default=0, init=False)
    _sign_at: float = field(default=0.0, init=False)
    _doubt: Verdict | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._clear_at = self._sign_at = self.since
        self._limit = self.rto_multiple * RTO_LEAST

    def forgive(self, now: float) -> None:
        """Nobody looked for a while (this process was stopped): what was not heard then proves nothing."""
        self._clear_at = self._sign_at = now

    def shares_fate(self, other: Health, now: float) -> bool:
        """Whether this one may have gone the way of the ``other``, silent one: no sign for half that time."""
        return now - self._sign_at > (now - other._clear_at) / 2

    def doubt(self, reason: str) -> None:
        """It counts as silent until the peer says something."""
        self._doubt = Verdict(State.SILENT, reason)

    def judge(self, sample: Sample, *, alternative: bool) -> Verdict:
        """``alternative``: another channel is alive, so that a slow answer need not be waited for so long."""
        if sample.heard != self._heard or sample.acked != self._acked:
            self._sign_at = sample.now
        if sample.heard != self._heard:
            self._doubt = None
        if sample.acked != self._acked or sample.unacked == 0:
            self._clear_at = sample.now
            # The time-out as it was while bytes got across: retransmissions double it.
            self._limit = self.rto_multiple * min(max(sample.rto, RTO_LEAST), RTO_MOST)
        self._heard, self._acked = sample.heard, sample.acked
        stuck = sample.now - self._clear_at
        if sample.unacked and stuck >= self._limit:
            return Verdict(State.SILENT, f"no byte acknowledged for {stuck:.1f} s, {sample.unacked} waiting")
        if self._doubt is not None:
            return self._doubt
        quiet = sample.now - self._sign_at
        if sample.owed_since is not None:
            owed = min(quiet, sample.now - sample.owed_since)
            patience = self.answer_timeout if alternative else 2 * self.answer_timeout
            if owed >= patience:
                return Verdict(State.SILENT, f"no answer for {owed:.1f} s")
            return Verdict(State.UNSURE if owed >= self.ask_after else State.ALIVE)
        return Verdict(State.UNSURE if quiet >= self.echo_interval else State.ALIVE)
