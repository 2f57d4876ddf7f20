"""A TCP connection as the network knows it: a number, two ends, what it tells of itself.

Owns its events (flow-opened …) and what a fault may ask of it. Must not know programs. Made by the fabric.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from swrap.document import JSON
from swrap.fake.fabric.way import Way
from swrap.fake.kernel.half import Half
from swrap.fake.kernel.handshake import Syn

if TYPE_CHECKING:
    from swrap.fake.fabric.fabric import Fabric

SILENCE = {
    errno.EHOSTUNREACH: "nobody answers for the address",
    errno.ENETDOWN: "no carrier",
    errno.EPERM: "blocked",
    errno.EBUSY: "held",
    errno.EAGAIN: "backlog full",
    errno.ETIMEDOUT: "lost",
}
REFUSAL = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout", errno.ENETUNREACH: "unreachable"}
HOW = {0: "fin", errno.ECONNRESET: "reset", errno.ETIMEDOUT: "timeout", errno.ECANCELED: "abandoned"}


class FabricFlow:
    """Implements ``kernel.net.Flow``. ``ways``: to the server, to the client; ``syn`` until it is answered."""

    __slots__ = ("_fabric", "_over", "halves", "number", "syn", "ways")

    def __init__(self, fabric: Fabric, number: int, syn: Syn, ways: tuple[Way, Way]) -> None:
        self.number = number
        self.ways = ways
        self.halves: tuple[Half, Half] | None = None
        self.syn: Syn | None = syn
        self._over = False
        self._fabric = fabric
        for way in ways:
            way.flow = number
            way.review()

    @property
    def _who(self) -> dict[str, JSON]:
        to, route = self.ways[0], self.ways[0].route
        return {
            "id": self.number,
            "client": str(to.source),
            "server": str(to.target),
            "client_host": to.host,
            "server_host": route.host if route is not None else None,
        }

    def unacked(self) -> int:
        """Bytes under way in both directions."""
        return sum(half.unacked() for half in self.halves) if self.halves else 0

    @property
    def held(self) -> bool:
        """Does anything stop it?"""
        return any(way.dead or way.loses_acks for way in self.ways)

    def review(self) -> None:
        """The network has changed."""
        for way in self.ways:
            way.review()
        if self.syn is not None:
            self.syn.review()
        for half in self.halves or ():
            half.review()

    def reset(self) -> None:
        """End it with a RST at both ends."""
        if self.syn is not None:
            self.syn.refuse(errno.ECONNREFUSED)
        for half in self.halves or ():
            half.sender.reset()

    def sample(self) -> dict[str, JSON]:
        """How it is now, for ``flow-sample``."""
        return {
            **self._who,
            "state": "established" if self.halves else "syn-sent",
            "interfaces": self._interfaces(),
            "to_server": self._half(0),
            "to_client": self._half(1),
        }

    # --- told by the kernel

    def opened(self, there: Half, back: Half) -> None:
        """See ``kernel.net.Flow``."""
        self.halves, self.syn = (there, back), None
        for way in self.ways:
            way.established = True
        self.review()
        self._tell("flow-opened", interfaces=self._interfaces())

    def accepted(self) -> None:
        """See ``kernel.net.Flow``."""
        self._tell("flow-accepted", interfaces=self._interfaces())

    def waiting(self, reason: int) -> None:
        """See ``kernel.net.Flow``."""
        self._tell("flow-waiting", reason=SILENCE.get(reason, os.strerror(reason)))

    def refused(self, reason: int) -> None:
        """See ``kernel.net.Flow``."""
        if self._fabric.forget(self):
            self._tell("flow-refused", reason=REFUSAL.get(reason, os.strerror(reason)))

    def closed(self, reason: int) -> None:
        """See ``kernel.net.Flow``. The first reason counts; an end that nobody told lives on."""
        assert self.halves is not None  # noqa: S101  # there was a connection
        if not self._over:
            self._over = True
            there, back = (half.delivered for half in self.halves)
            self._tell("flow-closed", how=HOW[reason], bytes=there + back, to_server=there, to_client=back)
        if reason == 0 or all(half.sender.was_reset for half in self.halves):
            self._fabric.forget(self)

    def _half(self, index: int) -> dict[str, JSON]:
        half = self.halves[index] if self.halves else None
        return {
            "bytes": half.delivered if half else 0,
            "unacked": half.unacked() if half else 0,
            "blocked": bool(self.ways[index].dead),
        }

    def _interfaces(self) -> list[JSON]:
        route = self.ways[0].route
        return list(dict.fromkeys(route.out + route.into)) if route is not None else []

    def _tell(self, kind: str, **more: Any) -> None:
        self._fabric.notice(kind, {**self._who, **more})
