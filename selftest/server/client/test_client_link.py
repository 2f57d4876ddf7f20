"""PDUs go over a real connection whole, whatever their size and however the stream is cut."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from server.client.link import Link
from server.wire.errors import WireError
from server.wire.framing import prefix

SIZES = [0, 1, 70, 65_531, 65_532, 65_533, 200_000, 1 << 20]


class Peer:
    """One end of a link, and the plain stream at its other end."""

    def __init__(self) -> None:
        self.pdus: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.streams: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self.streams = asyncio.get_running_loop().create_future()
        self.fail_with: Exception | None = None

    def on_pdu(self, pdu: bytes | bytearray) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.pdus.put_nowait(bytes(pdu))

    async def open(self) -> Link:
        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.streams.set_result((reader, writer))

        self.listener = await asyncio.start_server(accepted, "127.0.0.1", 0)
        host, port = self.listener.sockets[0].getsockname()
        self.link = await Link.connect(host, port, self.on_pdu, self.closed.set_result)
        return self.link

    async def close(self) -> None:
        _, writer = await self.streams
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await asyncio.wait_for(self.link.done.wait(), 5)
        self.listener.close()
        await self.listener.wait_closed()


@pytest.mark.parametrize("cut", [1 << 22, 1000, 7])
def test_what_the_peer_sends_arrives_pdu_by_pdu(cut: int) -> None:
    async def run() -> None:
        peer = Peer()
        link = await peer.open()
        _, writer = await peer.streams
        wanted = [bytes([n]) * size for n, size in enumerate(SIZES if cut > 7 else SIZES[:4])]
        stream = b"".join(prefix(len(pdu)) + pdu for pdu in wanted)
        stream = b"\x85\0\0\0" + stream  # A keep-alive says nothing.

        async def send() -> None:
            for at in range(0, len(stream), cut):
                writer.write(stream[at : at + cut])
                await writer.drain()

        sending = asyncio.create_task(send())
        for pdu in wanted:
            assert await asyncio.wait_for(peer.pdus.get(), 10) == pdu
        await sending
        assert link.heard == len(stream)
        await peer.close()
        assert await asyncio.wait_for(peer.closed, 5) == "closed by the server"

    asyncio.run(run())


def test_what_is_sent_is_counted_until_the_kernel_has_it() -> None:
    async def run() -> None:
        peer = Peer()
        link = await peer.open()
        reader, _ = await peer.streams
        parts = [prefix(15 << 20), bytes(5 << 20), bytes(10 << 20)]
        link.send(parts)
        assert link.given == 4 + (15 << 20)
        assert link.passed_on < link.given, "so much does not fit into a socket's buffers"
        assert len(await asyncio.wait_for(reader.readexactly(link.given), 10)) == link.given
        assert link.passed_on == link.given
        await peer.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "noise", [b"\x01\0\0\0", b"\xff\xff\xff\xff"], ids=["another protocol", "another type"]
)
def test_noise_ends_the_connection_with_its_reason(noise: bytes) -> None:
    async def run() -> None:
        peer = Peer()
        await peer.open()
        _, writer = await peer.streams
        writer.write(noise)
        assert "type" in await asyncio.wait_for(peer.closed, 5)
        await peer.close()

    asyncio.run(run())


def test_a_pdu_that_cannot_be_read_ends_the_connection() -> None:
    async def run() -> None:
        peer = Peer()
        link = await peer.open()
        peer.fail_with = WireError("what is this?")
        _, writer = await peer.streams
        writer.write(prefix(3) + b"abc")
        assert await asyncio.wait_for(peer.closed, 5) == "what is this?"
        with pytest.raises(OSError, match="closed"):
            _ = link.socket
        link.send([b"nobody is there"])
        await peer.close()

    asyncio.run(run())
