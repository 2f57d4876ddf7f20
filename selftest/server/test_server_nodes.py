"""A client is at one node of a cluster at a time: who gets it waits until the others have let go of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from selftest.support.smb_peer import Failures
from selftest.support.smb_server import free_port
from server.config import ClusterConfig, NodeConfig
from server.log import Log
from server.nodes import Nodes

CLIENT = uuid.UUID(int=1)
SECRET = "known to the nodes alone"


@dataclass
class Node:
    """One of three, and what it was asked to let go of. It does so when `free` is set."""

    config: ClusterConfig
    asked: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    log: Failures = field(default_factory=Failures)

    def __post_init__(self) -> None:
        self.free.set()
        self.nodes = Nodes(self.config, patience=0.5, let_go=self._let_go, log=Log(self.log))

    async def _let_go(self, guid: uuid.UUID, node: str) -> None:
        self.asked.append((guid, node))
        self.heard.set()
        await self.free.wait()


def cluster(test: Callable[..., Awaitable[None]], secret: str = SECRET) -> None:
    """Run `test(a, b, c)` with three nodes that listen, the third of which has that secret."""

    async def run() -> None:
        nodes = tuple(NodeConfig(name, "127.0.0.1", free_port()) for name in "abc")
        config = ClusterConfig("a", nodes, SECRET)
        async with AsyncExitStack() as stack:
            made = [
                Node(replace(config, node=name, secret=key))
                for name, key in (("a", SECRET), ("b", SECRET), ("c", secret))
            ]
            for node in made:
                node.nodes.start()
                stack.push_async_callback(node.nodes.close)
            async with asyncio.timeout(20):
                await test(*made)

    asyncio.run(run())


def test_all_others_are_asked_and_have_let_go_before_the_client_is_had() -> None:
    async def story(a: Node, b: Node, c: Node) -> None:
        b.free.clear()

        async def claim() -> bool:
            async with a.nodes.claiming(CLIENT, 1) as claim:
                assert b.free.is_set(), "b still had it"
                return not claim.lost

        claiming = asyncio.create_task(claim())
        await asyncio.gather(b.heard.wait(), c.heard.wait())
        b.free.set()
        assert await claiming
        assert b.asked == c.asked == [(CLIENT, "a")]

    cluster(story)


def test_a_node_that_is_not_there_has_no_clients() -> None:
    async def story(a: Node, b: Node, c: Node) -> None:
        await b.nodes.close()
        async with a.nodes.claiming(CLIENT, 1) as claim:
            assert not claim.lost
        assert c.asked
        assert "taken for dead" in a.log.lines[0]

    cluster(story)


def test_a_node_that_dies_before_it_answers_has_no_clients() -> None:
    async def story(a: Node, b: Node, _c: Node) -> None:
        b.free.clear()

        async def claim() -> bool:
            async with a.nodes.claiming(CLIENT, 1) as claim:
                return not claim.lost

        claiming = asyncio.create_task(claim())
        await b.heard.wait()
        await b.nodes.close()
        assert await claiming

    cluster(story)


@pytest.mark.parametrize("earlier", ["a", "b"])
def test_of_two_that_want_a_client_at_once_the_one_where_it_came_later_gets_it(earlier: str) -> None:
    async def story(a: Node, b: Node, c: Node) -> None:
        times = {"a": 5, "b": 5} | {earlier: 4}

        async def claim(node: Node) -> bool:
            async with node.nodes.claiming(CLIENT, times[node.config.node]) as claim:
                await both.wait()  # neither has it before the other wants it
                return not claim.lost

        both = asyncio.Barrier(2)
        got = await asyncio.gather(claim(a), claim(b))
        assert got == [earlier == "b", earlier == "a"]

    cluster(story)


def test_a_claim_is_lost_to_one_that_comes_while_it_is_made_good() -> None:
    async def story(a: Node, b: Node, _c: Node) -> None:
        async with a.nodes.claiming(CLIENT, 1) as claim:
            assert not claim.lost
            async with b.nodes.claiming(CLIENT, 2) as younger:
                assert not younger.lost
            assert claim.lost

    cluster(story)


def test_two_connections_of_one_client_at_one_node_do_not_keep_each_other_out() -> None:
    async def story(a: Node, _b: Node, _c: Node) -> None:
        async with a.nodes.claiming(CLIENT, 1) as one, a.nodes.claiming(CLIENT, 2) as other:
            assert [one.lost, other.lost] == [False, False]

    cluster(story)


def test_with_a_node_of_another_secret_nobody_gets_a_client() -> None:
    async def story(a: Node, b: Node, c: Node) -> None:
        for node in (a, c):
            async with node.nodes.claiming(CLIENT, 1) as claim:
                assert claim.lost
        assert not c.asked

    cluster(story, secret="known to somebody else")


@pytest.mark.parametrize("words", [b"", b"\n", b"\xff" * 5000, b"0 {}\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_node_is_not_heeded(words: bytes) -> None:
    async def story(a: Node, b: Node, _c: Node) -> None:
        own = b.config.own
        reader, writer = await asyncio.open_connection(own.address, own.port)
        assert len(await reader.readline()) == 33
        writer.write(words)
        writer.write_eof()
        assert await reader.read() in (b"", b"no\n")
        writer.close()
        async with a.nodes.claiming(CLIENT, 1) as claim:
            assert not claim.lost
        assert not any(" error " in line for line in b.log.lines), "an error of the server's own"

    cluster(story)


def test_what_one_node_has_said_is_no_use_in_another_conversation() -> None:
    async def story(a: Node, b: Node, _c: Node) -> None:
        own = b.config.own
        reader, writer = await asyncio.open_connection(own.address, own.port)
        nonce = (await reader.readline()).strip()
        replayed = a.nodes._sealed(b"ask", b"0" * len(nonce), b'{"do": "connection_drop"}')
        writer.write(replayed)
        assert await reader.read() in (b"", b"no\n")
        writer.close()
        assert not b.asked

    cluster(story)
