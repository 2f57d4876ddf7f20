"""Processes: an end of their own, descriptors that they pass to each other, and chance that a seed decides."""

from __future__ import annotations

import array
import asyncio
import errno
import os
import random
import secrets
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from swrap.fake import Network

Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def test_each_way_to_end_has_its_status(network: Network) -> None:
    async def returns() -> int:
        return 7

    async def exits() -> None:
        sys.exit(3)

    async def exits_in_a_task() -> None:
        asyncio.get_running_loop().call_soon(sys.exit, 4)
        await asyncio.sleep(1)

    async def raises() -> None:
        raise ValueError("of its own")

    async def waits() -> None:
        await asyncio.sleep(1000)

    async def story() -> list[int]:
        ends = [
            network.spawn("server", main) for main in (returns, exits, exits_in_a_task, raises, waits, waits)
        ]
        await asyncio.sleep(10)
        ends[4].signal(signal.SIGTERM)
        ends[5].signal(signal.SIGKILL)
        statuses = [await process.wait() for process in ends]
        assert "ValueError: of its own" in ends[3].stderr.getvalue()
        return statuses

    assert network.run(story) == [7, 3, 4, 1, -15, -9]


def test_nothing_of_a_killed_process_runs_any_more(network: Network) -> None:
    said: list[str] = []

    async def victim() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            said.append("clean-up" if network.now < 50 else "after the end of the world")

    async def story() -> None:
        process = network.spawn("server", victim)
        await asyncio.sleep(1)
        process.signal(signal.SIGKILL)
        await asyncio.sleep(100)
        assert said == []

    network.run(story)


def test_a_signal_that_is_caught_ends_nobody(network: Network) -> None:
    async def survivor() -> str:
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await told.wait()
        return "told"

    async def story() -> str:
        process = network.spawn("server", survivor)
        await asyncio.sleep(1)
        os.kill(process.pid, signal.SIGTERM)
        await process.wait()
        result: str = process.result
        return result

    assert network.run(story) == "told"


def test_a_stopped_process_goes_on_where_it_was(network: Network) -> None:
    times: list[float] = []

    async def ticks() -> None:
        for _ in range(4):
            await asyncio.sleep(1)
            times.append(network.now)

    async def story() -> None:
        process = network.spawn("server", ticks)
        await asyncio.sleep(1.5)
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(10)
        process.signal(signal.SIGCONT)
        await process.wait()

    network.run(story)
    assert times == pytest.approx([1, 11.5, 12.5, 13.5])


def test_a_connection_is_handed_to_another_process(network: Network, tmp_path: Path) -> None:
    """The sender closes its descriptor, and the connection lives on with whoever got it."""
    door = str(tmp_path / "door")

    async def acceptor() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("", 80)) as listener:
            listener.setblocking(False)
            client, _ = await loop.sock_accept(listener)
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(door)
            socket.send_fds(out, [b"yours"], [client.fileno()])

    async def worker() -> int:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as inbox:
            inbox.bind(door)
            arrived = loop.create_future()
            loop.add_reader(inbox.fileno(), arrived.set_result, None)
            await arrived
            loop.remove_reader(inbox.fileno())
            message, (fd,), _, _ = socket.recv_fds(inbox, 100, 4)
        assert message == b"yours"
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd))
        writer.write(b"from %d: " % os.getpid() + await reader.readline())
        writer.close()
        await writer.wait_closed()
        return os.getpid()

    async def client() -> bytes:
        reader, writer = await asyncio.open_connection("10.0.0.1", 80)
        await asyncio.sleep(1)
        writer.write(b"hello\n")
        answer = await reader.read()
        writer.close()
        return answer

    async def story() -> None:
        owner = network.spawn("server", worker)
        await asyncio.sleep(0.1)
        network.spawn("server", acceptor)
        await asyncio.sleep(0.1)
        answer = await network.on("laptop", client)
        await owner.wait()
        assert answer == b"from %d: hello\n" % owner.pid

    network.run(story)


def test_a_descriptor_under_way_keeps_its_file_open_and_nobody_elses(on_server: Run) -> None:
    async def program() -> list[bytes]:
        ours, theirs = socket.socketpair()
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = array.array("i", [theirs.fileno()])
        left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        theirs.close()
        ours.send(b"still there")
        _, (fd,), _, _ = socket.recv_fds(right, 10, 1)
        with socket.socket(fileno=fd) as again:
            read = [again.recv(100)]
        ours.setblocking(False)
        read.append(ours.recv(100))
        return read

    assert on_server(program) == [b"still there", b""]


def test_a_seed_decides_all_chance_of_a_process() -> None:
    def draws(seed: int) -> tuple[object, ...]:
        async def program() -> tuple[object, ...]:
            return (
                os.urandom(8),
                secrets.token_hex(8),
                random.random(),
                uuid.uuid4(),
                random.sample(range(99), 3),
                random.Random().random(),
                random.SystemRandom().random(),
                tempfile.mktemp(),
                uuid.uuid1(),
            )

        network = Network({"server": {"eth0": "10.0.0.1/24"}}, seed)
        return network.run(lambda: network.on("server", program))

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


def test_an_environment_and_an_output_are_the_processs_own(network: Network) -> None:
    async def program() -> None:
        assert "PATH" not in os.environ
        os.environ["WHO"] = str(os.getpid())
        print("I am", os.environ["WHO"])

    async def story() -> str:
        process = network.spawn("server", program)
        await process.wait()
        return process.stdout.getvalue()

    assert network.run(story) == "I am 1001\n"
    assert "WHO" not in os.environ


def test_who_blocks_lets_all_others_go_on(network: Network) -> None:
    """One blocking program among asyncio's: its calls return in time, and time is the world's."""

    def speak() -> list[object]:
        began = time.monotonic()
        with socket.create_connection(("10.0.0.1", 80), timeout=5) as sock:
            sock.sendall(b"hello\n")
            heard = sock.makefile("rb").readline()
            with pytest.raises(TimeoutError):
                sock.recv(1)
        time.sleep(10)
        return [heard, round(time.monotonic() - began, 2)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        await asyncio.sleep(2)
        writer.write(line)

    async def serve() -> None:
        async with await asyncio.start_server(answer, port=80) as server:
            await server.serve_forever()

    async def blocking() -> list[object]:
        return speak()

    async def story() -> list[object]:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        return await network.on("laptop", blocking)

    assert network.run(story) == [b"hello\n", 17.0]


def test_a_socket_has_a_patience_of_its_own(on_server: Run) -> None:
    """SO_RCVTIMEO and SO_SNDTIMEO, socket(7): EAGAIN, or what there is until then."""

    def limit(sock: socket.socket, name: int, seconds: int, micros: int) -> tuple[int, int]:
        sock.setsockopt(socket.SOL_SOCKET, name, struct.pack("ll", seconds, micros))
        found: tuple[int, int] = struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, name, 16))
        return found

    def timed(call: Callable[..., Any], *args: Any) -> tuple[object, float]:
        began = time.monotonic()
        try:
            found = call(*args)
        except OSError as error:
            found = error.errno
        return found, round(time.monotonic() - began, 3)

    async def program() -> None:
        with (
            socket.create_server(("10.0.0.1", 80)) as listener,
            socket.socket() as far,
            socket.socket() as sock,
        ):
            assert limit(listener, socket.SO_RCVTIMEO, 1, 250_000) == (1, 250_000)
            assert timed(listener.accept) == (errno.EAGAIN, 1.25)
            assert limit(far, socket.SO_SNDTIMEO, 2, 0) == (2, 0)
            assert timed(far.connect, ("10.0.0.77", 80)) == (errno.EINPROGRESS, 2.0)
            sock.connect(("10.0.0.1", 80))
            own, _ = listener.accept()
            with own:
                assert timed(own.recv, 10) == (errno.EAGAIN, 1.25)
                sock.sendall(b"half")
                assert timed(own.recv, 8, socket.MSG_WAITALL) == (b"half", 1.25)
                assert limit(own, socket.SO_RCVTIMEO, -1, 0) == (0, 0)
                assert timed(os.read, own.fileno(), 8) == (errno.EAGAIN, 0.0)
                assert limit(sock, socket.SO_SNDTIMEO, 3, 0) == (3, 0)
                assert timed(sock.sendall, bytes(64 << 20))[0] == errno.EAGAIN
            with pytest.raises(OSError, match="argument out of domain"):
                limit(sock, socket.SO_RCVTIMEO, 0, 1_000_000)
            with pytest.raises(OSError, match="Invalid argument"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 1)

    on_server(program)


def test_gaps_say_what_they_are(network: Network) -> None:
    async def accept() -> None:
        with socket.create_server(("", 80)) as listener:
            listener.accept()

    async def story() -> list[str]:
        first = network.spawn("server", accept)
        await asyncio.sleep(1)
        with pytest.raises(NotImplementedError, match="the harness must not block"):
            time.sleep(1)  # noqa: ASYNC251
        with pytest.raises(NotImplementedError, match="blocks while accept is in one"):
            await network.on("laptop", accept)
        first.signal(signal.SIGKILL)
        return []

    network.run(story)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: os.fork(), "cannot fork"),
        (lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL), "add_signal_handler"),
        (
            lambda: select.epoll().register(socket.socket(), select.EPOLLIN | select.EPOLLET),
            "level-triggered",
        ),
    ],
)
def test_other_gaps_say_what_they_are(on_server: Run, call: Callable[[], object], sentence: str) -> None:
    async def program() -> None:
        with pytest.raises(NotImplementedError, match=sentence):
            call()

    on_server(program)
