"""Rules, and what all of them together decide on a packet: pure, without clock, sockets or chance.

Owns the order. A packet crosses its interfaces first: without carrier it is dropped. Then the rules are
asked in the order in which they were made. Of Drop, Reject and Hold the first that matches is its fate, and
rules behind that one are not asked. All others add up: delays and jitters are summed, chances are combined as
independent ones. To what is not lost then happen, in this order: loss, corruption, duplication, rate, delay.

The switch has the same in C (rule.c); a property test holds the one against the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from swrap.faults.effects import (
    Corrupt,
    Delay,
    Drop,
    Duplicate,
    Effect,
    Fate,
    Hold,
    LoseAcks,
    Loss,
    Reject,
    Reorder,
)
from swrap.faults.match import Hosts, Match, names

NEVER, ALWAYS = 0, 1 << 32
"""Chances are whole numbers here, so that everybody combines them to the same."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``verb`` is the fault that made it."""

    verb: str
    what: Match
    effect: Effect


@dataclass(frozen=True, slots=True)
class End:
    """Where a packet comes from or goes to."""

    host: str
    address: IPv4Address | IPv6Address
    port: int


@dataclass(frozen=True, slots=True)
class Packet:
    """What rules see. ``out`` and ``into`` are the interfaces (``"server.eth0"``) that it leaves and enters by.

    ``flow`` is its flow's number, 0 for a datagram. ``established``: its connection was answered, or, of a
    datagram, the other end has sent one back.
    """

    source: End
    to: End
    out: tuple[str, ...]
    into: tuple[str, ...]
    flow: int = 0
    established: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a packet; times in nanoseconds, chances out of ``ALWAYS``."""

    fate: Fate | None = None
    lose_acks: bool = False
    delay: int = 0
    jitter: int = 0
    loss: int = NEVER
    corrupt: int = NEVER
    duplicate: int = NEVER
    reorder: int = NEVER
    late: int = 0
    """By which a reordered one comes later."""


def decide(rules: Iterable[Rule], packet: Packet) -> Verdict:
    """The verdict of ``rules``, in their order."""
    fate: Fate | None = None
    lose_acks = False
    delay = jitter = late = 0
    chances = {Loss: NEVER, Corrupt: NEVER, Duplicate: NEVER, Reorder: NEVER}
    for rule in rules:
        if not matches(rule.what, packet):
            continue
        match rule.effect:
            case Drop() | Reject() | Hold():
                fate = rule.effect
                break
            case LoseAcks():
                lose_acks = True
            case Delay():
                delay += nanoseconds(rule.effect.time)
                jitter += nanoseconds(rule.effect.jitter)
            case Loss() | Corrupt() | Duplicate() | Reorder():
                kind = type(rule.effect)
                chances[kind] = either(chances[kind], whole(rule.effect.chance))
                if isinstance(rule.effect, Reorder):
                    late = max(late, nanoseconds(rule.effect.time))
    return Verdict(
        fate,
        lose_acks,
        delay,
        jitter,
        chances[Loss],
        chances[Corrupt],
        chances[Duplicate],
        chances[Reorder],
        late,
    )


def matches(what: Match, packet: Packet) -> bool:
    """Is ``packet`` one that ``what`` means? Every part that is given must fit; see ``match``."""
    if what.state != "any" and (what.state == "established") != packet.established:
        return False
    if what.flow is not None and what.flow != packet.flow:
        return False
    ends = (packet.source, packet.to)
    if what.host is not None and not any(end.host in names(what.host) for end in ends):
        return False
    if what.address is not None and ip_address(what.address) not in (end.address for end in ends):
        return False
    if what.port is not None and what.port not in (end.port for end in ends):
        return False
    if what.sport not in (None, packet.source.port) or what.dport not in (None, packet.to.port):
        return False
    if what.between is not None and not (_spans(what.between, ends) or _spans(what.between, ends[::-1])):
        return False
    out, into = _seen(what, packet)
    return (out and what.direction != "in") or (into and what.direction != "out")


def _seen(what: Match, packet: Packet) -> tuple[bool, bool]:
    """Does it go out from, and does it come in to, what directions are seen from?"""
    if what.interface is not None:
        return what.interface in packet.out, what.interface in packet.into
    source, to = packet.source, packet.to
    if what.host is not None:
        hosts = names(what.host)
        return source.host in hosts, to.host in hosts
    if what.address is not None:
        address = ip_address(what.address)
        return source.address == address, to.address == address
    if what.port is not None:
        return source.port == what.port, to.port == what.port
    if what.between is not None:
        return _spans(what.between, (source, to)), _spans(what.between, (to, source))
    return True, True


def _spans(between: tuple[Hosts, Hosts], ends: tuple[End, ...]) -> bool:
    return ends[0].host in names(between[0]) and ends[1].host in names(between[1])


def nanoseconds(seconds: float) -> int:
    """As the switch counts."""
    return round(seconds * 1e9)


def whole(chance: float) -> int:
    """A chance out of ``ALWAYS``; what can happen at all keeps a chance to."""
    return max(1, round(chance * ALWAYS))


def either(one: int, other: int) -> int:
    """The chance that at least one of two independent ones comes true."""
    return one + other - (one * other >> 32)
