"""The portable promises on the fake network: each part a fake process on its host."""

from __future__ import annotations

import asyncio
import socket

import pytest

from selftest.conformance.portable import PROMISES, Here, Part
from selftest.support.network import TOPOLOGY
from swrap.fake import Network


def address(family: str, host: str) -> str:
    """The address of ``host`` on its eth0."""
    first = TOPOLOGY.host(host).interfaces[0].addresses
    return str(next(one.ip for one in first if f"ipv{one.version}" == family))


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise(promise: str, family: str) -> None:
    network = Network(TOPOLOGY, seed=2)
    kept = PROMISES[promise]
    ready: list[asyncio.Event] = []

    async def keep(part: Part, own: str, peer: str) -> None:
        here = Here(socket, family, address(family, own), address(family, peer), ready[0].set)
        async with asyncio.timeout(300):
            await part(here)

    async def story() -> None:
        ready.append(asyncio.Event())
        server = network.spawn("server", keep, kept.server, "server", "laptop")
        if kept.laptop is not None:
            await ready[0].wait()
            await network.on("laptop", keep, kept.laptop, "laptop", "server")
        await server.wait()
        if server.error is not None:
            raise server.error

    network.run(story)
