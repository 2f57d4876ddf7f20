"""One direction between two endpoints: how long a packet takes, and whether it gets through.

Owns what is true of it now; ``review`` asks the fabric again when something has changed. Used by the kernel's
TCP halves, handshakes and datagrams, once a segment.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from swrap.fake.fabric.link import SEGMENT, Link
from swrap.fake.fabric.routes import Route
from swrap.fake.kernel.address import Endpoint
from swrap.faults.effects import Drop, Hold, Reject
from swrap.faults.rule import ALWAYS, End, Packet, Verdict, either

if TYPE_CHECKING:
    from swrap.fake.fabric.fabric import Fabric

BASE, SPREAD = 20e-6, 30e-6
"""Seconds from host to host: the least, and what chance adds to it, packet by packet."""
_WITHIN = 0.2
"""Of that: from a host to itself."""
_UNLIMITED = 1 << 30
_WHY = {Drop: errno.EPERM, Reject: errno.ECONNREFUSED, Hold: errno.EBUSY}
PASSES = Verdict()


class Way:
    """Implements ``kernel.net.Way``. ``flow``: its flow's number; ``established``: was it answered?"""

    __slots__ = (
        "_last", "_loss", "_random", "_rated", "_spread", "dead", "epoch", "established", "fabric", "flow", "host",
        "latency", "loses_acks", "protocol", "rejects", "route", "segment", "source", "target", "verdict", "window",
    )  # fmt: skip

    def __init__(self, fabric: Fabric, protocol: str, source: Endpoint, target: Endpoint, host: str) -> None:
        self.fabric = fabric
        self.protocol = protocol
        self.source = source
        self.target = target
        self.host = host
        self.route: Route | None = None
        self.flow = 0
        self.established = False
        self.dead = 0
        self.rejects = False
        self.loses_acks = False
        self.latency = 0.0
        self.segment = self.window = _UNLIMITED
        self.epoch = -1
        self.verdict = PASSES
        self._random: Callable[[], float] = fabric.random.random
        self._last = 0.0
        self._spread = SPREAD
        self._loss = 0
        self._rated: tuple[tuple[Link, int], ...] = ()
        self.review()

    def review(self) -> None:
        """Look again at cables and rules."""
        fabric = self.fabric
        self.epoch = fabric.epoch
        route = fabric.route(self.host, self.target.ip)
        if self.established and self._displaced(route):
            self.dead, self.rejects = errno.EHOSTUNREACH, False
            return
        self.route = route
        if route is None:
            self.dead = errno.ENETUNREACH
            return
        links = [(fabric.links[name], 0) for name in route.out] + [
            (fabric.links[name], 1) for name in route.into
        ]
        self._rated = tuple((link, way) for link, way in links if link.rate is not None)
        verdict = self.verdict = fabric.rules.verdict(self.packet) if fabric.rules else PASSES
        # Within a host everything arrives in the order in which it was sent, whoever sent it.
        self._spread = (SPREAD if links else 0.0) + 2e-9 * verdict.jitter
        self.latency = BASE * (1.0 if links else _WITHIN) + sum(link.described.delay for link, _ in links)
        self.latency += 1e-9 * (verdict.delay - verdict.jitter)
        self.segment = self.window = _UNLIMITED
        if self._rated:
            slowest = min(link.rate for link, _ in self._rated if link.rate is not None)
            self.segment = SEGMENT
            self.window = max(2 * SEGMENT, int(slowest * (self.latency + self._spread) / 4))
        self._loss = verdict.loss if self.protocol == "udp" else either(verdict.loss, verdict.corrupt)
        self.rejects = isinstance(verdict.fate, Reject)
        self.loses_acks = verdict.lose_acks
        if not all(link.up for link, _ in links):
            self.dead, self.rejects = errno.ENETDOWN, False
        elif route.host is None:
            self.dead, self.rejects = errno.EHOSTUNREACH, False
        else:
            self.dead = _WHY[type(verdict.fate)] if verdict.fate is not None else 0

    def _displaced(self, route: Route | None) -> bool:
        """Has an end of the connection lost its address to another host?"""
        home = self.route.host if self.route is not None else None
        there = route.host if route is not None else None
        return there != home or not self.fabric.hosts[self.host].has(self.source.ip)

    @property
    def packet(self) -> Packet:
        """What rules see of it."""
        route = self.route or Route((), (), None)
        source, target = self._ends
        return Packet(source, target, route.out, route.into, self.flow, self.established)

    @property
    def _ends(self) -> tuple[End, End]:
        there = self.route.host if self.route is not None else None
        source, target = self.source, self.target
        return (
            End(self.host, ip_address(source.ip), source.port),
            End(there or "", ip_address(target.ip), target.port),
        )

    def arrival(self, size: int) -> float:
        """See ``kernel.net.Way``."""
        at = self.fabric.now
        for link, way in self._rated:
            at = link.pass_at(at, size, way)
        at += self.latency + self._spread * self._random()
        if at < self._last:
            return self._last
        self._last = at
        return at

    def lost(self) -> bool:
        """See ``kernel.net.Way``."""
        return self._loss > 0 and self.chance(self._loss)

    def chance(self, chance: int) -> bool:
        """Does something come true whose chance is that, out of ``ALWAYS``?"""
        return chance > 0 and self._random() * ALWAYS < chance
