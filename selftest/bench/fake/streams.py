"""Asyncio streams: 1-byte echoes and bulk, as ratios against the kernel's loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from selftest.bench.fake.figure import Figure
from swrap.fake import Network

ECHOES, CHUNKS, CHUNK = 5_000, 2_000, 65_536
PORT = 7000
_clock = time.perf_counter
Client = Callable[[str], Awaitable[None]]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 18):
        if len(data) == 1:
            writer.write(data)
    writer.close()


async def _echoes(address: str) -> None:
    reader, writer = await asyncio.open_connection(address, PORT)
    for _ in range(ECHOES):
        writer.write(b"x")
        await reader.readexactly(1)
    writer.close()


async def _bulk(address: str) -> None:
    reader, writer = await asyncio.open_connection(address, PORT)
    data = bytes(CHUNK)
    for _ in range(CHUNKS):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
    await reader.read()
    writer.close()


async def _serve() -> None:
    async with await asyncio.start_server(_echo, port=PORT) as server:
        await server.serve_forever()


def _simulated(client: Client) -> float:
    """Seconds on the fake network, between two hosts."""
    network = Network({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}})

    async def story() -> float:
        network.spawn("server", _serve)
        await asyncio.sleep(1)
        began = _real()
        await network.on("laptop", client, "10.0.0.1")
        return _real() - began

    return network.run(story)


def _real() -> float:
    """The machine's clock, inside the fake network too."""
    from swrap.fake.scheduler import _real_clock

    return _real_clock()


async def _on_loopback(client: Client) -> float:
    serving = asyncio.create_task(_serve())
    await asyncio.sleep(0.1)
    began = _clock()
    await client("127.0.0.1")
    took = _clock() - began
    await asyncio.sleep(0.05)  # the server's end sees that too
    serving.cancel()
    return took


def _ratio(client: Client) -> float:
    return asyncio.run(_on_loopback(client)) / _simulated(client)


ECHO = Figure("fake-echo", "asyncio echo, 1 byte", lambda: _ratio(_echoes), "× kernel", 1.5, rounds=5)
BULK = Figure("fake-bulk", "bulk through asyncio streams", lambda: _ratio(_bulk), "× kernel", 1.0, rounds=5)
