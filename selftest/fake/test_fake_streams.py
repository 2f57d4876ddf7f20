"""Unmodified asyncio programs talk TCP to each other."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from swrap.fake import Network

PORT = 7000


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve_echo() -> None:
    async with await asyncio.start_server(echo, port=PORT) as server:
        await server.serve_forever()


async def ask(host: str, question: bytes) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(host, PORT)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "server", "10.0.1.1"])
def test_a_client_is_answered_however_it_names_the_server(network: Network, address: str) -> None:
    async def story() -> bytes:
        network.spawn("server", serve_echo)
        await asyncio.sleep(0.1)
        return await network.on("laptop", ask, address, b"ping")

    assert network.run(story) == b"ping"
    kinds = [kind for _, kind, _ in network.events]
    assert kinds == ["flow-opened", "flow-accepted", "flow-closed"]
    assert network.events[-1][2]["how"] == "fin"


def test_a_large_answer_comes_whole(network: Network) -> None:
    data = bytes(range(256)) * 40_000

    async def story() -> bytes:
        network.spawn("server", serve_echo)
        await asyncio.sleep(0.1)
        return await network.on("laptop", ask, "10.0.0.1", data)

    assert network.run(story) == data


def test_where_nobody_listens_the_connection_is_refused(network: Network) -> None:
    with pytest.raises(ConnectionRefusedError):
        network.run(lambda: network.on("laptop", ask, "10.0.0.1", b""))
    assert network.events[-1][1] == "flow-refused"


def test_an_address_that_nobody_has_times_out_and_no_route_is_said_at_once(network: Network) -> None:
    async def connect(address: str) -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (address, PORT))

    async def story() -> float:
        with pytest.raises(OSError, match="unreachable") as caught:
            await network.on("laptop", connect, "192.0.2.1")
        assert caught.value.errno == errno.ENETUNREACH
        with pytest.raises(TimeoutError) as silent:
            await network.on("laptop", connect, "10.0.0.77")
        assert silent.value.errno == errno.ETIMEDOUT
        return network.now

    assert network.run(story) == pytest.approx(127, abs=0.1)


def test_a_sender_that_nobody_reads_must_wait(network: Network) -> None:
    """What a connection holds is what both buffers hold, and the rest goes when the reader reads."""
    taken: list[int] = []

    async def sit() -> int:
        loop = asyncio.get_running_loop()
        with socket.create_server(("", PORT)) as listener:
            listener.setblocking(False)
            sock, _ = await loop.sock_accept(listener)
        await asyncio.sleep(5)
        total = 0
        while data := await loop.sock_recv(sock, 1 << 20):
            total += len(data)
        sock.close()
        return total

    async def push() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("10.0.0.1", PORT))
            size = 0
            while True:
                try:
                    size += sock.send(bytes(65536))
                except BlockingIOError:
                    await asyncio.sleep(0.1)
                    if taken and taken[-1] == size:
                        break
                    taken.append(size)
            await loop.sock_sendall(sock, bytes(1 << 20))
            taken.append(size + (1 << 20))

    async def story() -> int:
        reader = network.spawn("server", sit)
        await asyncio.sleep(0.01)
        await network.on("laptop", push)
        await reader.wait()
        assert reader.error is None, reader.error
        result: int = reader.result
        return result

    total = network.run(story)
    assert total == taken[-1]
    assert 1 << 20 < taken[-2] < 8 << 20


def test_unread_data_makes_the_close_a_reset(network: Network) -> None:
    async def rude() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("", PORT)) as listener:
            listener.setblocking(False)
            sock, _ = await loop.sock_accept(listener)
            await asyncio.sleep(1)
            sock.close()

    async def client() -> str:
        reader, writer = await asyncio.open_connection("10.0.0.1", PORT)
        writer.write(b"unread")
        try:
            await reader.read()
        except ConnectionResetError:
            return "reset"
        finally:
            writer.close()
        return "end of file"

    async def story() -> str:
        network.spawn("server", rude)
        await asyncio.sleep(0.1)
        return await network.on("laptop", client)

    assert network.run(story) == "reset"


def test_a_port_that_is_taken_is_refused(on_server: Callable[[Callable[[], Awaitable[Any]]], Any]) -> None:
    async def twice() -> None:
        with socket.create_server(("10.0.0.1", PORT)), pytest.raises(OSError, match="in use"):
            socket.create_server(("10.0.0.1", PORT))
        with pytest.raises(OSError, match="assign requested address"):
            socket.create_server(("10.9.9.9", PORT))

    on_server(twice)


def test_a_program_sees_its_own_host_alone(on_server: Callable[[Callable[[], Awaitable[Any]]], Any]) -> None:
    async def look() -> tuple[str, list[tuple[int, str]]]:
        return socket.gethostname(), socket.if_nameindex()

    assert on_server(look) == ("server", [(1, "lo"), (2, "eth0"), (3, "wlan0")])
    assert (socket.gethostname(), socket.if_nameindex()) != ("server", [(1, "lo"), (2, "eth0"), (3, "wlan0")])
