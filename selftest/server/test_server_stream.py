"""A stream hands on every PDU whole and in order, however its bytes come, and sends as its peer takes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial

import pytest

from server.posix.loop import PollingLoop
from server.posix.sockets import PosixSocketQueries
from server.stream import Stream
from server.wire.framing import prefix

LIMIT = 4 << 20
STAGE = 64 * 1024
WITHIN = 10.0
"""Seconds: of a guard, which ends what would hang."""


class Told:
    """A stream, its peer, and what it has handed on."""

    def __init__(self, own: socket.socket, peer: socket.socket) -> None:
        self.peer = peer
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.stream = Stream(
            asyncio.get_running_loop(),
            own,
            limit=LIMIT,
            queries=PosixSocketQueries(),
            received=lambda pdu: self.received.put_nowait(bytes(pdu)),
            lost=self.reason.set_result,
        )

    async def next(self) -> bytes:
        return await self.received.get()


LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [
    asyncio.SelectorEventLoop,
    partial(PollingLoop, 0.0001),
]


def run(story: Callable[[Told], Awaitable[None]]) -> None:
    """It, on a loop of asyncio's and on a worker's."""

    async def guarded() -> None:
        own, peer = socket.socketpair()
        with closing(peer):
            peer.setblocking(False)
            told = Told(own, peer)
            told.stream.start()
            await asyncio.wait_for(story(told), WITHIN)
            told.stream.abort("the story is over")

    for loop in LOOPS:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(guarded())


def framed(pdu: bytes) -> bytes:
    return prefix(len(pdu)) + pdu


def test_byte_by_byte_or_many_at_once() -> None:
    async def story(told: Told) -> None:
        for byte in framed(b"slow"):
            told.peer.send(bytes([byte]))
            await asyncio.sleep(0)  # a turn of the loop, in which it is read
        assert await told.next() == b"slow"
        told.peer.send(framed(b"one") + b"\x85\0\0\0" + framed(b"") + framed(b"three") + framed(b"four")[:6])
        assert [await told.next() for _ in range(3)] == [b"one", b"", b"three"]
        told.peer.send(framed(b"four")[6:])
        assert await told.next() == b"four"

    run(story)


@pytest.mark.parametrize("size", [STAGE - 5, STAGE - 4, STAGE - 3, STAGE, 3 << 20])
def test_whatever_its_size(size: int) -> None:
    async def story(told: Told) -> None:
        pdu = bytes(range(251)) * (size // 251) + bytes(size % 251)
        sent = framed(b"before") + framed(pdu) + framed(b"after")
        await asyncio.gather(asyncio.get_running_loop().sock_sendall(told.peer, sent), _read(told, pdu))

    async def _read(told: Told, pdu: bytes) -> None:
        assert await told.next() == b"before"
        assert await told.next() == pdu
        assert await told.next() == b"after"

    run(story)


def test_what_the_peer_does_not_take_yet_is_sent_after() -> None:
    async def story(told: Told) -> None:
        parts = [bytes([number]) * 200_000 for number in range(20)]
        for part in parts:
            told.stream.send([part])
        told.stream.send([b"the", b"end"])
        assert 0 < told.stream.queued < 4_000_006
        taken = bytearray()
        while not taken.endswith(b"theend"):
            taken += await asyncio.get_running_loop().sock_recv(told.peer, 1 << 20)
        assert bytes(taken) == b"".join(parts) + b"theend"
        assert told.stream.queued == 0

    run(story)


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1", prefix(LIMIT + 1)])
def test_what_is_no_pdu_ends_it(sent: bytes) -> None:
    async def story(told: Told) -> None:
        told.peer.send(framed(b"before") + sent)
        assert await told.next() == b"before"
        assert await told.reason
        assert told.peer.recv(1) == b""

    run(story)


def test_the_end_of_the_peer_is_told_once() -> None:
    async def story(told: Told) -> None:
        told.peer.shutdown(socket.SHUT_WR)
        assert await told.reason == "closed by the peer"
        told.stream.send([b"nobody"])
        told.stream.close("again")

    run(story)
