"""The fixtures for tests of other projects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from swrap.fake import Network

PORT = 7000


async def serve() -> None:
    async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(pong, port=PORT) as server:
        await server.serve_forever()


async def ask(host: str) -> bytes:
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(host, PORT)
        writer.write(b"ping\n")
        answer = await reader.readline()
        writer.close()
        return answer


def test_two_hosts_a_link_and_a_partition_in_ten_lines(fake_network: Callable[[Any], Network]) -> None:
    network = fake_network({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}})

    async def story() -> list[object]:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        answers: list[object] = [await network.on("laptop", ask, "10.0.0.1")]
        await network.do("cut", ["server", "laptop"])
        answers += await asyncio.gather(network.on("laptop", ask, "10.0.0.1"), return_exceptions=True)
        return answers

    first, second = network.run(story)
    assert first == b"ping\n"
    assert isinstance(second, TimeoutError)
