"""What a host's kernel needs of the network around it.

Owns the seam between ``kernel``, which knows neither time nor routes, and ``fabric``, which has both.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv6Interface
from typing import TYPE_CHECKING, Any, Protocol

from swrap.fake.kernel.address import Endpoint

if TYPE_CHECKING:
    from swrap.fake.kernel.ancillary import Marks
    from swrap.fake.kernel.half import Half
    from swrap.fake.kernel.handshake import Syn
    from swrap.fake.kernel.host import Host
    from swrap.fake.kernel.udp import UdpSocket


class Way(Protocol):
    """One direction between two endpoints."""

    dead: int
    """0, or the errno that says why nothing gets through."""
    rejects: bool
    """Is who sends into it told so, by a RST or an ICMP message?"""
    loses_acks: bool
    """Are the ACKs of what arrives lost?"""
    latency: float
    """Seconds that it takes at least."""
    segment: int
    """The most bytes to send in one piece."""
    window: int
    """The most bytes to have under way: what keeps the slowest wire busy, so that others get their share of it."""

    def arrival(self, size: int) -> float:
        """When ``size`` bytes sent now are there; later than all that was sent before."""

    def lost(self) -> bool:
        """Is a packet that is under way lost here? Asked once a packet."""


class Reviewed(Protocol):
    """Part of a connection that must look at its way again when the network has changed."""

    def review(self) -> None:
        """Something is cut off now, or no more."""


class Flow(Protocol):
    """A TCP connection as the network knows it: for faults, and for whoever watches."""

    def opened(self, there: Half, back: Half) -> None:
        """The handshake is done."""

    def accepted(self) -> None:
        """The server's program took it."""

    def waiting(self, reason: int) -> None:
        """Its SYN meets silence."""

    def refused(self, reason: int) -> None:
        """It did not come about."""

    def closed(self, reason: int) -> None:
        """Both directions are over: 0, ECONNRESET, ETIMEDOUT."""


class Net(Protocol):
    """The network, the same for all hosts."""

    now: float
    """Seconds since the beginning."""
    syn_timeout: float
    retransmit_timeout: float

    def at(self, when: float, call: Callable[[Any], None], arg: Any) -> None:
        """Have ``call(arg)`` done at that time."""

    def source(self, host: str, target: str) -> str:
        """The address that ``host`` sends from, to ``target``. Raises ENETUNREACH."""

    def way(self, protocol: str, source: Endpoint, target: Endpoint, host: str) -> Way:
        """From ``source`` on ``host`` to ``target``. Raises ENETUNREACH."""

    def holder(self, ip: str, seen_from: str) -> Host | None:
        """The kernel of the host that has ``ip``; None where nobody has."""

    def networks(self, host: str) -> list[tuple[str, IPv4Interface | IPv6Interface]]:
        """All addresses of ``host`` with their networks, each after its interface (``"server.eth0"``)."""

    def segment(self, interface: str, ip: str) -> list[str]:
        """An address of each interface on the segment of ``interface``, in the family of ``ip``: its own too."""

    def flow(self, syn: Syn, ways: tuple[Way, Way]) -> Flow:
        """A connection that is being made."""

    def datagram(
        self,
        sender: UdpSocket,
        source: Endpoint,
        target: Endpoint,
        way: Way,
        data: bytes,
        marks: Marks | None,
    ) -> None:
        """Send a datagram on its way; it may never arrive. ``marks``: None for those of a socket without options."""

    def resolve(self, name: str, family: int, seen_from: str) -> str:
        """The address of a host, or of ``localhost``. Raises gaierror."""

    def name_of(self, ip: str, seen_from: str) -> str:
        """The host that has ``ip``, or else who asks."""
