"""The worker role's main function: a worker in a process of its own, or in a simulated one.

Called by the zygote, and by whoever simulates processes.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from server.lifeline import Reporter
from server.log import Log
from server.posix.files import PosixFiles
from server.posix.interfaces import PosixInterfaces
from server.posix.loop import PollingLoop
from server.posix.processes import PosixPeers
from server.posix.sockets import PosixSocketQueries
from server.posix.store import LmdbStore
from server.worker import Ports, Settings, Worker


def main(settings: str, lifeline: socket.socket) -> None:
    """The worker role's main function: runs in a process of its own."""
    told = Settings.from_json(settings)
    with asyncio.Runner(loop_factory=lambda: PollingLoop(told.config.limits.poll_time)) as runner:
        runner.run(_main(told, lifeline))


async def _main(settings: Settings, lifeline: socket.socket) -> None:
    store = LmdbStore(settings.runtime / "store")
    ports = Ports(PosixFiles(), PosixInterfaces(), store, PosixPeers(), PosixSocketQueries())
    await serve(settings, lifeline, ports)


async def serve(settings: Settings, lifeline: socket.socket, ports: Ports) -> None:
    """All that a worker does, on whatever system."""
    loop = asyncio.get_running_loop()
    log = Log(sys.stderr).bind(role="worker", pid=ports.peers.identity())
    loop.set_exception_handler(log.unhandled)
    loop.set_default_executor(
        ThreadPoolExecutor(settings.config.limits.storage_threads, thread_name_prefix="storage")
    )
    worker = Worker(settings, ports, lambda ended: Reporter(lifeline, ended), log)
    await worker.run()
    worker.reporter.finish()
