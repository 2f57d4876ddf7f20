"""A connection on its way to a worker: kept until it is confirmed, not read, and not passed once more.

The acceptor is the real one; its workers are the test's own, which see what is sent to them and answer as they are told
to. The same checks are made against acceptors with a fault on purpose, and fail.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from selftest.server.test_server_handover import first_negotiate
from selftest.support.smb_peer import Told
from selftest.support.smb_server import free_port
from server.acceptor import Acceptor, Offer
from server.config import ServerConfig
from server.log import Log
from server.memory import MemoryStore
from server.passing.messages import ConnectionPass, ConnectionPassed, decode, encode
from server.passing.post import Post
from server.posix.files import PosixFiles

BEHIND = b"sent behind the Negotiate"


class Scripted:
    """A worker, and `Child` of it: it takes what comes, and says nothing unless it is told to."""

    def __init__(self, place: Path, pid: int) -> None:
        self.pid = pid
        self.lifeline, self._own = socket.socketpair()
        self.passed: asyncio.Queue[tuple[ConnectionPass, socket.socket]] = asyncio.Queue()
        self.post = Post(place, self._posted)
        self._own.sendall(json.dumps({"kind": "", "address": self.post.address}).encode() + b"\n")
        self._ended = asyncio.Event()

    def _posted(self, data: bytes, fds: list[int]) -> None:
        message = decode(data)
        assert isinstance(message, ConnectionPass)
        self.passed.put_nowait((message, socket.socket(fileno=fds[0])))

    async def confirm(self, message: ConnectionPass) -> None:
        await self.post.send(message.reply_to, encode(ConnectionPassed(message.connection, self.pid)))

    def end(self, *, force: bool = False) -> None:
        """Also what SIGKILL leaves of it."""
        self.post.close()
        self._own.close()
        self._ended.set()
        while not self.passed.empty():
            self.passed.get_nowait()[1].close()

    async def wait(self) -> int:
        await self._ended.wait()
        return -9


@dataclass
class Script:
    """`Processes` that are scripted workers, in the order in which they were asked for."""

    place: Path
    workers: list[Scripted] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[socket.socket] = field(default_factory=list)
    over: bool = False

    def identity(self) -> int:
        return os.getpid()

    def alive(self, pid: int) -> bool:
        return any(worker.pid == pid and not worker._ended.is_set() for worker in self.workers)

    async def gone(self, pid: int) -> None:
        await next(worker for worker in self.workers if worker.pid == pid).wait()

    async def spawn(self, role: str, settings: str) -> Scripted:
        if self.over:
            raise OSError("no more workers")
        self.workers.append(Scripted(self.place / "post", len(self.workers) + 1))
        return self.workers[-1]

    async def close(self) -> None:
        self.over = True
        for worker in self.workers:
            worker.end()
        for sock in self.seen:
            sock.close()

    async def next(self) -> tuple[Scripted, ConnectionPass, socket.socket]:
        """The next connection that is passed to any of them."""
        while True:
            getting = [asyncio.ensure_future(worker.passed.get()) for worker in self.workers]
            done, rest = await asyncio.wait(getting, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
            for one in rest:
                one.cancel()
            for one in done:
                worker = self.workers[getting.index(one)]
                message, sock = one.result()
                sock.setblocking(False)
                self.seen.append(sock)
                return worker, message, sock


@dataclass
class Client:
    """A connection that has sent a Negotiate, and something behind it."""

    sock: socket.socket

    async def read(self) -> bytes:
        """What comes; b"" at the end, which is a reset where something was not read."""
        try:
            return await asyncio.get_running_loop().sock_recv(self.sock, 100)
        except ConnectionResetError:
            return b""

    async def lives(self) -> bool:
        """Whether no end of the connection comes, while everything that could bring it about goes on."""
        try:
            async with asyncio.timeout(0.1):
                return bool(await self.read())
        except TimeoutError:
            return True


Check = Callable[[Script, Client], Awaitable[None]]


@asynccontextmanager
async def accepting(tmp_path: Path, kind: type[Acceptor]) -> AsyncIterator[tuple[Script, Client]]:
    (tmp_path / "post").mkdir(exist_ok=True)
    script = Script(tmp_path)
    config = ServerConfig(addresses=("127.0.0.1",), port=free_port())
    acceptor = kind(
        config, script, "", tmp_path, MemoryStore(), PosixFiles(), events=Told(), log=Log(None)
    )  # fmt: skip
    acceptor.start()
    sock = socket.socket()
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", config.port))
        negotiate = first_negotiate(uuid.uuid4())
        sock.send(len(negotiate).to_bytes(4, "big") + negotiate + BEHIND)
        yield script, Client(sock)
    finally:
        sock.close()
        await script.close()
        await acceptor.stop()


async def is_kept_until_it_is_confirmed(script: Script, client: Client) -> None:
    _, _, sock = await script.next()
    sock.close()
    assert await client.lives(), "the acceptor still has it"


async def is_let_go_of_then(script: Script, client: Client) -> None:
    worker, message, sock = await script.next()
    await worker.confirm(message)
    assert await client.lives()
    assert sock.recv(100) == BEHIND
    sock.close()
    assert await asyncio.wait_for(client.read(), 5) == b"", "nobody has it any more"


async def is_not_read(script: Script, client: Client) -> None:
    worker, message, sock = await script.next()
    assert sock.recv(100, socket.MSG_PEEK) == BEHIND
    await worker.confirm(message)
    assert await client.lives()
    assert sock.recv(100) == BEHIND
    client.sock.send(b"and more")
    assert await client.lives()
    assert sock.recv(100) == b"and more"
    sock.close()


async def is_passed_to_another_if_the_worker_dies(script: Script, client: Client) -> None:
    first, _, sock = await script.next()
    sock.close()
    first.end()
    second, message, sock = await asyncio.wait_for(script.next(), 5)
    assert second is not first
    assert sock.recv(100) == BEHIND
    await second.confirm(message)
    assert await client.lives()
    sock.send(b"answer")
    assert await client.read() == b"answer"
    sock.close()


async def is_not_passed_again_once_it_is_confirmed(script: Script, client: Client) -> None:
    worker, message, sock = await script.next()
    await worker.confirm(message)
    assert await client.lives()
    assert all(one.passed.empty() for one in script.workers)
    sock.close()
    worker.end()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(script.next(), 0.3)
    assert await client.read() == b"", "its process is gone, and so is it"


RULES: tuple[Check, ...] = (
    is_kept_until_it_is_confirmed,
    is_let_go_of_then,
    is_not_read,
    is_passed_to_another_if_the_worker_dies,
    is_not_passed_again_once_it_is_confirmed,
)


class LetsGoEarly(Acceptor):
    """Its own descriptor is closed as soon as it was sent."""

    async def _pass(self, offer: Offer, *rest: Any) -> bool | None:
        asyncio.get_running_loop().call_later(0.05, offer.sock.close)
        return await super()._pass(offer, *rest)


class KeepsIt(Acceptor):
    """Its own descriptor is never closed."""

    async def _pass(self, offer: Offer, *rest: Any) -> bool | None:
        taken = await super()._pass(offer, *rest)
        self.kept = offer.sock.dup()
        return taken

    async def stop(self) -> None:
        await super().stop()
        self.kept.close()


class ReadsOn(Acceptor):
    async def _pass(self, offer: Offer, *rest: Any) -> bool | None:
        asyncio.get_running_loop().call_soon(offer.sock.recv, 10)
        return await super()._pass(offer, *rest)


class GivesUp(Acceptor):
    """The death of the worker is that of the connection."""

    async def _pass(self, offer: Offer, *rest: Any) -> bool | None:
        return await super()._pass(offer, *rest) or None


class PassesTwice(Acceptor):
    async def _pass(self, offer: Offer, *rest: Any) -> bool | None:
        await super()._pass(offer, *rest)
        return await super()._pass(offer, *rest)


def run(tmp_path: Path, kind: type[Acceptor], rule: Check) -> None:
    async def story() -> None:
        async with accepting(tmp_path, kind) as (script, client), asyncio.timeout(10):
            await rule(script, client)

    asyncio.run(story())


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_is_kept(tmp_path: Path, rule: Check) -> None:
    run(tmp_path, Acceptor, rule)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (LetsGoEarly, is_kept_until_it_is_confirmed),
        (KeepsIt, is_let_go_of_then),
        (ReadsOn, is_not_read),
        (GivesUp, is_passed_to_another_if_the_worker_dies),
        (PassesTwice, is_not_passed_again_once_it_is_confirmed),
    ],
)
def test_a_fault_on_purpose_is_found(tmp_path: Path, kind: type[Acceptor], rule: Check) -> None:
    with pytest.raises((AssertionError, TimeoutError, BlockingIOError)):
        run(tmp_path, kind, rule)
