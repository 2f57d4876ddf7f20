"""Processes of a simulated machine: a role's main function becomes a process of its own.

Implements `server.ports.processes.Processes`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping

from server.simulated.machine import Child, Machine

Main = Callable[[Machine, str, socket.socket], Awaitable[object]]
"""A role's: its machine, its settings, its lifeline."""


class SimulatedChild:
    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def lifeline(self) -> socket.socket:
        return self._child.lifeline

    async def wait(self) -> int:
        return await self._child.wait()

    def end(self, *, force: bool = False) -> None:
        self._child.signal(signal.SIGKILL if force else signal.SIGTERM)


class SimulatedPeers:
    """Implements `server.ports.processes.Peers`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def identity(self) -> int:
        return self._machine.pid

    def alive(self, pid: int) -> bool:
        return self._machine.alive(pid)

    async def gone(self, pid: int) -> None:
        await self._machine.gone(pid)


class SimulatedProcesses(SimulatedPeers):
    def __init__(self, machine: Machine, mains: Mapping[str, Main]) -> None:
        super().__init__(machine)
        self._mains = mains
        self._children: list[SimulatedChild] = []
        self.failed = asyncio.Event()

    async def spawn(self, role: str, settings: str) -> SimulatedChild:
        main = self._mains[role]

        async def run(machine: Machine, lifeline: socket.socket) -> object:
            return await main(machine, settings, lifeline)

        child = SimulatedChild(self._machine.spawn(run, f"smb-{role}"))
        self._children.append(child)
        return child

    async def close(self) -> None:
        for child in self._children:
            child.end(force=True)
        for child in self._children:
            await child.wait()
