"""The two actors' main functions where processes are simulated. Named by the actors' declarations."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from server import role
from server.actor import client, server
from server.actor.protocol import ActorChannel
from server.app import Prepared
from server.posix.files import PosixFiles
from server.posix.sockets import PosixSocketQueries
from server.simulated.interfaces import SimulatedInterfaces, SimulatedLocal
from server.simulated.machine import Machine
from server.simulated.processes import SimulatedPeers, SimulatedProcesses
from server.simulated.store import MemoryStore
from server.worker import Ports, Settings


async def run_server(machine: Machine) -> None:
    """The actor `smb-server`."""
    store = MemoryStore()

    async def work(own: Machine, settings: str, lifeline: socket.socket) -> None:
        ports = Ports(
            PosixFiles(), SimulatedInterfaces(own), store, SimulatedPeers(own), PosixSocketQueries()
        )
        await role.serve(Settings.from_json(settings), lifeline, ports)

    common = Path(machine.environment.get("TMPDIR") or tempfile.gettempdir())
    runtime = Path(tempfile.mkdtemp(prefix="smb-server-", dir=common))
    (runtime / "post").mkdir(mode=0o700)
    processes = SimulatedProcesses(machine, {"worker": work})
    await server.serve(Prepared(processes, runtime, lambda _: store), common)


async def run_client(machine: Machine) -> None:
    """The actor `smb-client`."""
    channel = await ActorChannel.open("smb-client")
    actor = client.ClientActor(channel, SimulatedLocal(machine))
    await channel.serve(actor.verbs(), actor.end)
