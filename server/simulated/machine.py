"""What a simulated process is given of its system: the shapes, as Protocols, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface
from typing import Protocol


class InterfaceRow(Protocol):
    """One address of one interface. `speed` in bit/s; `running`: it has carrier."""

    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> IPv4Interface | IPv6Interface: ...
    @property
    def speed(self) -> int: ...
    @property
    def rss(self) -> bool: ...
    @property
    def rdma(self) -> bool: ...
    @property
    def running(self) -> bool: ...
    @property
    def loopback(self) -> bool: ...


class Child(Protocol):
    """A process that was spawned; `lifeline` is our end of the stream between us."""

    @property
    def pid(self) -> int: ...
    @property
    def lifeline(self) -> socket.socket: ...

    async def wait(self) -> int:
        """Its exit status, negative for a signal, when it has ended."""
        ...

    def signal(self, number: int) -> None: ...


class Machine(Protocol):
    """The system, as one of its processes sees it."""

    @property
    def pid(self) -> int: ...
    @property
    def environment(self) -> Mapping[str, str]: ...

    def interfaces(self) -> Sequence[InterfaceRow]:
        """Of this host, as of now."""
        ...

    def spawn(self, main: Callable[[Machine, socket.socket], Awaitable[object]], name: str) -> Child:
        """A process that does `await main(its machine, its lifeline)`."""
        ...

    def alive(self, pid: int) -> bool: ...

    async def gone(self, pid: int) -> None: ...
