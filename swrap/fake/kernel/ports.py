"""Who has which port of a host: one table for TCP and one for UDP.

Owns bind's rules (ip(7), socket(7): SO_REUSEADDR, SO_REUSEPORT, wildcards, dual stack) and ephemeral ports.
Must not know what a socket does. Called by bind, connect, close, and by the delivery to a listener.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from random import Random
from typing import Generic, Protocol, TypeVar

from swrap.fake.kernel.address import ANY4, ANY6, Endpoint
from swrap.fake.kernel.file import fail

EPHEMERAL = range(32768, 61000)
"""/proc/sys/net/ipv4/ip_local_port_range."""


class Bound(Protocol):
    """A socket that has a port."""

    family: int
    local: Endpoint | None
    reuse_address: bool
    reuse_port: bool
    v6only: bool

    @property
    def listening(self) -> bool:
        """Does it take connections?"""

    @property
    def datagrams(self) -> bool:
        """Is SO_REUSEADDR enough to share a port with one that listens?"""


_Socket = TypeVar("_Socket", bound=Bound)


class Ports(Generic[_Socket]):
    """``random`` says where the search for an ephemeral port begins."""

    def __init__(self, random: Random) -> None:
        self._by_port: dict[int, dict[_Socket, None]] = {}
        self._random = random
        self._next: int | None = None

    def __iter__(self) -> Iterator[_Socket]:
        """All that are bound."""
        return (socket for sockets in self._by_port.values() for socket in sockets)

    def at(self, port: int) -> Iterator[_Socket]:
        """All that are bound to ``port``, the oldest first."""
        return iter(self._by_port.get(port, ()))

    def bind(self, socket: _Socket, endpoint: Endpoint) -> Endpoint:
        """Give ``socket`` that address and port (0: any). Raises EADDRINUSE."""
        port = endpoint.port
        if port == 0:
            port = self.ephemeral(socket, endpoint.ip)
        elif any(conflict(socket, endpoint.ip, other) for other in self.at(port)):
            fail(errno.EADDRINUSE)
        self.adopt(socket, port)
        return Endpoint(endpoint.ip, port)

    def adopt(self, socket: _Socket, port: int) -> None:
        """It shares a port that it did not ask for: a listener's, whose child it is."""
        self._by_port.setdefault(port, {})[socket] = None

    def ephemeral(self, socket: _Socket, ip: str) -> int:
        """A port that nobody has. Raises EADDRINUSE where there is none."""
        if self._next is None:
            self._next = self._random.choice(EPHEMERAL)
        for _ in EPHEMERAL:
            port, self._next = self._next, self._next + 1
            if self._next == EPHEMERAL.stop:
                self._next = EPHEMERAL.start
            if not any(overlap(socket, ip, other) for other in self.at(port)):
                return port
        fail(errno.EADDRINUSE)

    def release(self, socket: _Socket, port: int) -> None:
        """It has the port no more."""
        bound = self._by_port.get(port)
        if bound is not None and socket in bound:
            del bound[socket]
            if not bound:
                del self._by_port[port]


def overlap(socket: Bound, ip: str, other: Bound) -> bool:
    """Could one packet be for both?"""
    if other.local is None:
        return False
    theirs = other.local.ip
    if ip == theirs:
        return True
    if ip == ANY6:
        return ":" in theirs or not socket.v6only
    if theirs == ANY6:
        return ":" in ip or not other.v6only
    if ANY4 in (ip, theirs):
        return ":" not in ip and ":" not in theirs
    return False


def conflict(socket: Bound, ip: str, other: Bound) -> bool:
    """Does ``other`` keep ``socket`` from being bound there?"""
    if not overlap(socket, ip, other):
        return False
    if socket.reuse_port and other.reuse_port:
        return False
    if socket.reuse_address and other.reuse_address:
        return not other.datagrams and other.listening
    return True
