"""What a rule does with the traffic that it matches: one small closed type.

Owns the effects, their bounds and their order. Must not know how a back end carries them out: the switch and
the fake network both decide by ``rule.decide``, or by what a property test holds against it.

Times in seconds, chances from 0 (never) to 1 (always). All raise ValueError for what cannot be.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from swrap.document import JSON

MOST = 3600.0
"""Seconds: who wants more than an hour of delay wants ``hold``."""


@dataclass(frozen=True, slots=True)
class Drop:
    """It is lost in silence: a stream's sender retransmits, a SYN is repeated, a datagram is gone."""


@dataclass(frozen=True, slots=True)
class Reject:
    """It is answered: a SYN is refused, a stream is reset, a datagram's sender learns that nobody listens."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It stays on the way until it is released, in its order."""


@dataclass(frozen=True, slots=True)
class LoseAcks:
    """A stream's bytes arrive, their ACKs do not; there is nothing in it for datagrams."""


@dataclass(frozen=True, slots=True)
class Delay:
    """It arrives ``time`` later, give or take up to ``jitter``."""

    time: float
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.time <= MOST:
            raise ValueError(f"a delay is 0 to {MOST:.0f} seconds, not {self.time!r}")
        if not 0 <= self.jitter <= self.time:
            raise ValueError(f"a jitter is 0 to the delay itself, not {self.jitter!r}")


@dataclass(frozen=True, slots=True)
class Chance:
    """Something that happens to a packet now and then."""

    chance: float

    def __post_init__(self) -> None:
        if not 0 < self.chance <= 1:
            raise ValueError(f"a chance is more than 0 and at most 1, not {self.chance!r}")


@dataclass(frozen=True, slots=True)
class Loss(Chance):
    """It is lost: a datagram for good, a segment of a stream until its retransmission."""


@dataclass(frozen=True, slots=True)
class Duplicate(Chance):
    """A datagram arrives twice."""


@dataclass(frozen=True, slots=True)
class Reorder(Chance):
    """A datagram comes ``time`` later than those behind it."""

    time: float = 0.01

    def __post_init__(self) -> None:
        # super() without arguments does not work in slotted dataclasses.
        Chance.__post_init__(self)
        if not 0 < self.time <= MOST:
            raise ValueError(f"a datagram is late by more than 0 and at most {MOST:.0f} s, not {self.time!r}")


@dataclass(frozen=True, slots=True)
class Corrupt(Chance):
    """One bit of a datagram's payload is another; a stream's checksum makes that a loss."""


Fate = Drop | Reject | Hold
"""Those that end it: of several the first counts."""

Effect = Fate | LoseAcks | Delay | Loss | Duplicate | Reorder | Corrupt
"""All that a rule may say; where no rule says anything, a packet passes."""

DATAGRAMS_ALONE = (Duplicate, Reorder)
"""What a stream never shows."""

STREAMS_ALONE = (LoseAcks,)


def data(effect: Effect) -> dict[str, JSON]:
    """Its fields as JSON; this is also what the switch's control socket takes."""
    said: dict[str, JSON] = {"reject": True} if isinstance(effect, Reject) else {}
    return said | {one.name: getattr(effect, one.name) for one in fields(effect)}
