"""Interfaces of a simulated host, for the server and for the client.

Implements `server.ports.interfaces.Interfaces` and `server.client.local.LocalInterfaces`.
"""

from __future__ import annotations

from server.client.local import LocalAddress
from server.ports.interfaces import InterfaceAddress
from server.simulated.machine import Machine


class SimulatedInterfaces:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def query(self) -> list[InterfaceAddress]:
        return [
            InterfaceAddress(
                row.index, row.name, row.address.ip, row.speed, row.rss, row.rdma, row.running, row.loopback
            )
            for row in self._machine.interfaces()
        ]


class SimulatedLocal:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def snapshot(self) -> tuple[LocalAddress, ...]:
        return tuple(
            LocalAddress(row.name, row.address.ip, row.address.network, row.speed, row.rss, row.running)
            for row in self._machine.interfaces()
        )
