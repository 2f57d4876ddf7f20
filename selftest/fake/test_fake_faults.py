"""The same faults by the same verbs, and what programs see of them."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import socket
import struct
import termios

import pytest

from swrap.fake import Network

PORT = 7000


class Line:
    """A connection between the hosts, with what each end has read."""

    def __init__(self) -> None:
        self.read = b""
        self.error: OSError | None = None
        self.sock: socket.socket | None = None
        self.wrote: OSError | None = None

    def unacked(self) -> int:
        assert self.sock is not None
        (size,) = struct.unpack("i", fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, bytes(4)))
        return int(size)

    async def sink(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("", PORT)) as listener:
            listener.setblocking(False)
            sock, _ = await loop.sock_accept(listener)
        try:
            while data := await loop.sock_recv(sock, 65536):
                self.read += data
        except OSError as error:
            self.error = error
        await asyncio.sleep(10_000)

    async def source(self, address: str = "10.0.0.1") -> None:
        """Ten bytes a second, until it fails."""
        loop = asyncio.get_running_loop()
        with socket.socket() as self.sock:
            self.sock.setblocking(False)
            try:
                await loop.sock_connect(self.sock, (address, PORT))
                while True:
                    await loop.sock_sendall(self.sock, b"0123456789")
                    await asyncio.sleep(1)
                    self.pending = self.unacked()
            except OSError as error:
                self.wrote = error


@pytest.fixture
def line(network: Network) -> Line:
    return Line()


async def connected(network: Network, line: Line) -> None:
    network.spawn("server", line.sink)
    await asyncio.sleep(0.1)
    network.spawn("laptop", line.source)
    await asyncio.sleep(1.5)
    assert line.read == b"0123456789" * 2
    assert line.pending == 0


@pytest.mark.parametrize(
    ("verb", "value", "back"),
    [
        ("link-down", "server.eth0", ("link-up", "server.eth0")),
        ("block", {"host": "laptop"}, ("unblock", {})),
        ("block", {"port": PORT, "direction": "in"}, ("heal", {})),
        ("cut", ["laptop", "server"], ("heal", {})),
        ("hold", {"between": ["laptop", "server"]}, ("release", {})),
    ],
)
def test_what_is_cut_off_waits_and_goes_on(
    network: Network, line: Line, verb: str, value: object, back: tuple[str, object]
) -> None:
    async def story() -> None:
        await connected(network, line)
        touched = await network.do(verb, value)  # type: ignore[arg-type]
        assert touched.flows == 1
        before = line.read
        await asyncio.sleep(10)
        assert line.read == before
        assert line.pending == 90
        await network.do(*back)  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        assert len(line.read) == len(before) + 100
        await asyncio.sleep(1)
        assert line.pending == 0
        assert line.wrote is None

    network.run(story)


def test_lost_acks_pile_up_though_all_arrives(network: Network, line: Line) -> None:
    async def story() -> None:
        await connected(network, line)
        await network.do("lose-acks", {"host": "laptop", "direction": "out"})
        await asyncio.sleep(10)
        assert len(line.read) == 120
        assert line.pending == 90
        await network.do("heal", {})
        await asyncio.sleep(1.1)
        assert line.pending == 0

    network.run(story)


def test_a_reset_is_seen_at_both_ends(network: Network, line: Line) -> None:
    async def story() -> None:
        await connected(network, line)
        await network.do("reset", {"between": ["server", "laptop"]})
        await asyncio.sleep(2)
        assert isinstance(line.error, ConnectionResetError)
        assert isinstance(line.wrote, ConnectionResetError)
        assert network.events[-1][2]["how"] == "reset"

    network.run(story)


def test_a_sender_gives_up_after_the_retransmit_time_out(network: Network, line: Line) -> None:
    async def story() -> float:
        await connected(network, line)
        await network.do("link-down", "laptop.eth0")
        began = network.now
        while line.wrote is None:  # noqa: ASYNC110  # time is virtual
            await asyncio.sleep(1)
        assert line.wrote.errno == errno.ETIMEDOUT
        return network.now - began

    assert network.run(story) == pytest.approx(924.6, abs=3)


def test_a_syn_that_was_dropped_gets_through_when_it_may(network: Network, line: Line) -> None:
    async def story() -> None:
        network.spawn("server", line.sink)
        await network.do("block", {"host": "server"})
        network.spawn("laptop", line.source)
        await asyncio.sleep(30)
        assert [kind for _, kind, _ in network.events] == ["flow-waiting"]
        assert network.events[0][2]["reason"] == "blocked"
        await network.do("unblock", {})
        await asyncio.sleep(0.1)
        assert line.read == b"0123456789"

    network.run(story)


def test_what_makes_no_sense_is_refused(network: Network) -> None:
    async def story() -> None:
        with pytest.raises(ValueError, match="did you mean"):
            await network.do("link-dwon", "server.eth0")
        with pytest.raises(ValueError, match=r"server\.eth9"):
            await network.do("link-down", "server.eth9")

    network.run(story)


def test_a_rate_is_kept() -> None:
    line = Line()
    network = Network(
        {"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": {"address": "10.0.0.2/24", "rate": "8M"}}}
    )

    async def push() -> None:
        _, writer = await asyncio.open_connection("10.0.0.1", PORT)
        writer.write(bytes(10_000_000))
        await writer.drain()
        writer.close()

    async def story() -> float:
        network.spawn("server", line.sink)
        await asyncio.sleep(0.1)
        network.spawn("laptop", push)
        began = network.now
        while len(line.read) < 10_000_000:  # noqa: ASYNC110  # time is virtual
            await asyncio.sleep(0.01)
        return network.now - began

    assert network.run(story) == pytest.approx(10, rel=0.02)


def test_a_moved_address_freezes_its_flows_and_is_found_where_it_went(line: Line) -> None:
    network = Network(
        {
            "server": {"eth0": ["10.0.0.1/24", "10.0.0.9/24"]},
            "second": {"eth0": "10.0.0.3/24"},
            "laptop": {"eth0": "10.0.0.2/24"},
        }
    )
    other = Line()

    async def story() -> None:
        network.spawn("server", line.sink)
        network.spawn("second", other.sink)
        await asyncio.sleep(0.1)
        network.spawn("laptop", line.source, "10.0.0.9")
        await asyncio.sleep(1.5)
        touched = await network.do("move", {"address": "10.0.0.9", "to": "second.eth0"})
        assert touched.flows == 1
        before = line.read
        network.spawn("laptop", Line().source, "10.0.0.9")
        await asyncio.sleep(5)
        assert (line.read, len(other.read)) == (before, 50)
        await network.do("move", {"address": "10.0.0.9", "to": "server.eth0"})
        await asyncio.sleep(1)
        assert len(line.read) >= len(before) + 50

    network.run(story)


def test_an_address_comes_and_goes(network: Network, line: Line) -> None:
    async def story() -> None:
        network.spawn("server", line.sink)
        await network.do("add-address", {"interface": "server.eth0", "address": "10.0.0.55/24"})
        network.spawn("laptop", line.source, "10.0.0.55")
        await asyncio.sleep(1.5)
        assert len(line.read) == 20
        await network.do("remove-address", "10.0.0.55")
        await asyncio.sleep(2)
        assert len(line.read) == 20
        await network.do("heal", {})
        with pytest.raises(ValueError, match="no interface has the address"):
            await network.do("remove-address", "10.0.0.55")

    network.run(story)
