"""``link-up``: the cable of an interface is plugged in again.

Frozen flows go on where they stopped, without loss, once the senders' retransmission finds the path open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from swrap.faults.base import Target, Touched
from swrap.faults.link_down import LinkDown


@dataclass(frozen=True, slots=True)
class LinkUp(LinkDown):
    """``link-up: server.eth0``; what it says and takes is what ``link-down`` does."""

    verb: ClassVar = "link-up"
    sentence: ClassVar = "The cable of an interface is plugged in again: flows over it go on."
    may_miss: ClassVar = True

    async def apply(self, target: Target) -> Touched:
        return await target.link(self.interface, up=True)
