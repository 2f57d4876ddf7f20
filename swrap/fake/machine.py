"""What a fake process may ask of the system that has no asyncio call: who it is, its host's interfaces, children.

Owns that one object, which a simulated program gets as its only argument. Its shapes are plain, so that a
program needs nothing of this package to use it. See ``swrap.scenario.fake_backend`` for who starts one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface
from typing import TYPE_CHECKING

from swrap.fake.kernel.unix import Credentials
from swrap.fake.kernel.unix_stream import UnixStream

if TYPE_CHECKING:
    from swrap.fake.process import Process


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """One address of one interface. ``speed`` in bit/s; ``running``: it has carrier."""

    index: int
    name: str
    address: IPv4Interface | IPv6Interface
    speed: int
    rss: bool
    rdma: bool
    running: bool
    loopback: bool


_LOOPBACK = (IPv4Interface("127.0.0.1/8"), IPv6Interface("::1/128"))


class Child:
    """A process that this one has started."""

    def __init__(self, process: Process, lifeline: socket.socket) -> None:
        self._process = process
        self.lifeline = lifeline
        """Our end of a stream between us."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Return its status when it has ended; negative: the signal that ended it. Any number may wait."""
        return await self._process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal; harmless where it has ended."""
        self._process.signal(number)


class Machine:
    """The system as ``process`` sees it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The caller's process id."""
        return self._process.pid

    @property
    def environment(self) -> Mapping[str, str]:
        """The caller's environment."""
        return self._process.environment

    def interfaces(self) -> list[InterfaceRow]:
        """All addresses of all interfaces as of now, lo first, then in the order of the topology."""
        host = self._process.host
        if host is None:
            return []
        rows = [InterfaceRow(1, "lo", address, 0, False, False, True, True) for address in _LOOPBACK]
        fabric = self._process.world.fabric
        for index, one in enumerate(host.described.interfaces, 2):
            name = f"{host.name}.{one.name}"
            up, speed = fabric.links[name].up, fabric.speed_of(name)
            rows += [
                InterfaceRow(index, one.name, address, speed, one.rss, one.rdma, up, False)
                for address in fabric.addresses.of[name]
            ]
        return rows

    def spawn(self, main: Callable[[Machine, socket.socket], Awaitable[object]], name: str) -> Child:
        """Start ``await main(machine, lifeline)`` as a child on the same host, with this environment.

        ``lifeline`` is the other end of the child's; either reads the end of file when the other is gone.
        """
        parent = self._process
        ours, theirs = (UnixStream(parent.world.unix, Credentials(0, os.getuid(), os.getgid())) for _ in "ab")
        ours.join(theirs)

        async def run(number: int) -> object:
            return await main(child, socket.socket(fileno=number))

        host = None if parent.host is None else parent.host.name
        process = parent.world.make(host, name, parent.pid, parent.environment)
        process.globals = parent.world.globals.fork()
        child = Machine(process)
        process.start(run, (process.descriptors.open(theirs),))
        return Child(process, socket.socket(fileno=parent.descriptors.open(ours)))

    def alive(self, pid: int) -> bool:
        """Is there such a process?"""
        return pid in self._process.world.processes

    async def gone(self, pid: int) -> None:
        """Return when that process has ended, at once if it is gone already."""
        process = self._process.world.processes.get(pid)
        if process is not None:
            await process.wait()
