"""Many of something: 100 hosts with a heartbeat a second for an hour; 10,000 open connections."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from pathlib import Path

from selftest.bench.fake.figure import Figure
from swrap.fake import Network

HOSTS, SECONDS = 100, 3600
CONNECTIONS = 10_000


def _heartbeats() -> float:
    network = Network({f"h{n}": {"eth0": f"10.0.0.{n + 1}/16"} for n in range(HOSTS + 1)})
    heard = 0

    class Monitor(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, address: object) -> None:
            nonlocal heard
            heard += 1

    async def listen() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(Monitor, local_addr=("10.0.0.1", 9))
        await asyncio.Event().wait()

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("10.0.0.1", 9)
        )
        for _ in range(SECONDS):
            transport.sendto(b"alive")
            await asyncio.sleep(1)
        transport.close()

    async def story() -> None:
        network.spawn("h0", listen)
        await asyncio.sleep(1)
        for process in [network.spawn(f"h{n}", beat) for n in range(1, HOSTS + 1)]:
            await process.wait()

    began = time.perf_counter()
    network.run(story)
    if heard != HOSTS * SECONDS:
        raise RuntimeError(f"{heard} heartbeats of {HOSTS * SECONDS}")
    return time.perf_counter() - began


def _resident() -> int:
    """KiB of this process in memory."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1])


def _connections() -> float:
    network = Network({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}})

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        listener = socket.create_server(("10.0.0.1", 80), backlog=4096)
        listener.setblocking(False)
        held = []
        while True:
            held.append(await loop.sock_accept(listener))

    async def connect() -> float:
        loop = asyncio.get_running_loop()
        held = []
        gc.collect()
        before = _resident()
        for _ in range(CONNECTIONS):
            sock = socket.socket()
            sock.setblocking(False)
            await loop.sock_connect(sock, ("10.0.0.1", 80))
            held.append(sock)
        await asyncio.sleep(1)
        gc.collect()
        return (_resident() - before) / CONNECTIONS

    async def story() -> float:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        return await network.on("laptop", connect)

    return network.run(story)


MEMORY = Figure("fake-memory", "an open connection, both ends", _connections, "KiB", 6.0, less=True, rounds=1)
HEARTBEATS = Figure(
    "fake-heartbeats", "100 hosts, a heartbeat a second, an hour", _heartbeats, "s", 15.0, less=True, rounds=1
)
