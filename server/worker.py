"""A worker process: the core for one client, and the connections that were handed to it.
 Owns the sockets of its connections, the confirmation of each, and its own end: when the client has had no
connection for a while, when the acceptor is gone, or when it is told to. Never accepts and never dials.
Started by the zygote.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.config import ServerConfig
from server.core.commands.negotiate import smb1_negotiate
from server.core.commands.table import HANDLERS
from server.core.connection import NOBODY, Connection
from server.core.core import Core
from server.core.dispatcher import Dispatcher
from server.core.session import Session, SessionState
from server.events import endpoint
from server.lifeline import Reporter
from server.log import Log
from server.passing import notices, records
from server.passing.messages import (
    ConnectionDrop,
    ConnectionPass,
    ConnectionPassed,
    ConnectionRefused,
    Message,
    decode,
    encode,
)
from server.passing.notices import PostCouriers
from server.passing.post import Post
from server.passing.records import ClientRecord
from server.ports.files import Files
from server.ports.interfaces import Interfaces
from server.ports.processes import Peers
from server.ports.sockets import SocketQueries
from server.ports.store import Store
from server.posix.files import PosixFiles
from server.posix.interfaces import PosixInterfaces
from server.posix.processes import PosixPeers
from server.posix.sockets import PosixSocketQueries
from server.posix.store import LmdbStore
from server.stream import Stream

_STRANGER_LIMIT = 68 * 1024
_HEADERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """What the acceptor tells a new worker."""

    config: ServerConfig
    runtime: Path

    def to_json(self) -> str:
        return json.dumps({"config": self.config.to_json(), "runtime": str(self.runtime)})

    @classmethod
    def from_json(cls, text: str) -> Settings:
        raw = json.loads(text)
        return cls(ServerConfig.from_json(raw["config"]), Path(raw["runtime"]))


@dataclass(frozen=True, slots=True)
class Ports:
    """How a worker reaches the outside."""

    files: Files
    interfaces: Interfaces
    store: Store
    peers: Peers
    queries: SocketQueries


@dataclass(slots=True, eq=False)
class Held:
    """One connection of this worker."""

    connection: Connection
    stream: Stream
    guard: asyncio.TimerHandle | None = None


class Worker:
    def __init__(
        self,
        settings: Settings,
        reporter_of: Callable[[Callable[[], None]], Reporter],
        *,
        files: Files,
        interfaces: Interfaces,
        store: Store,
        peers: Peers,
        queries: SocketQueries,
        log: Log,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._config = settings.config
        self._limits = settings.config.limits
        self._store = store
        self._log = log
        self._identity = peers.identity()
        self._queries = queries
        self._ended = asyncio.Event()
        self._guid: uuid.UUID | None = None
        self._record: ClientRecord | None = None
        self._retired = False
        self._held: dict[str, Held] = {}
        self._linger: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.reporter = reporter_of(self._end)
        self.reporter.asked = self._asked
        self._post = Post(settings.runtime / "post", self._posted)
        self._couriers = PostCouriers(self._post, peers, lambda notice: self.core.noticed(notice))
        self.core = Core(
            settings.config,
            files,
            interfaces,
            store,
            self._couriers,
            self.reporter,
            self._identity,
            os.urandom,
            time.time_ns,
        )
        self._dispatcher = Dispatcher(self.core, HANDLERS, smb1_negotiate, log)

    async def run(self) -> None:
        """Until the end. Then everything is closed, and the record gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)
        self.reporter.tell(address=self._post.address)
        await self._ended.wait()
        self._retire()
        for held in list(self._held.values()):
            held.stream.abort("the server ends")
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._dispatcher.settled()  # work that has begun goes on to its end
        self.core.breaks.close()
        await self._couriers.close()
        self._post.close()
        self._store.close()

    def _end(self) -> None:
        self._ended.set()

    def _asked(self, message: dict[str, Any]) -> None:
        """The acceptor wants something."""
        if "config" in message:
            config = ServerConfig.from_json(message["config"])
            self._limits = config.limits
            self.core.configure(config)
        elif "state" in message:
            for session in self.core.sessions.values():
                self.reporter.tell(state=_state(session))
            self.reporter.tell(state=None)

    def _posted(self, data: bytes, fds: list[int]) -> None:
        sockets = [socket.socket(fileno=fd) for fd in fds]
        try:
            if data.startswith(notices.MARK):
                self.core.noticed(notices.decode(data))
                return
            message: Message = decode(data)
        except ValueError as error:
            self._log.failure("a message that is none", error)
            message = ConnectionDrop(NOBODY, 0)
        if isinstance(message, ConnectionPass) and len(sockets) == 1:
            task = self._loop.create_task(self._taken(message, sockets[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        for sock in sockets:
            sock.close()
        if isinstance(message, ConnectionDrop) and message.client_guid == self._guid:
            for held in list(self._held.values()):
                held.stream.abort("the client has moved to another node")

    async def _taken(self, message: ConnectionPass, sock: socket.socket) -> None:
        """Confirm, then serve: in this order, so that a connection that is passed again was answered by
        nobody.
        """
        mine = self._is_mine(message)
        answer = (
            ConnectionPassed(message.connection, self._identity)
            if mine
            else ConnectionRefused(message.connection, self._identity)
        )
        try:
            await self._post.send(message.reply_to, encode(answer))
        except OSError as error:
            self._log.warning("nobody to confirm a connection to", connection=message.connection, error=error)
            mine = False
        self._couriers.home = message.reply_to
        if mine:
            self._serve(message, sock)
        else:
            sock.close()

    def _is_mine(self, message: ConnectionPass) -> bool:
        if self._retired:
            return False
        if message.client_guid == NOBODY:
            self._guid = NOBODY
            return not self._held
        record = records.owner(self._store, message.client_guid)
        if record is None or record.address != self._post.address:
            return False
        if record.connect_time != message.initial_connect_time or self._guid not in (
            None,
            message.client_guid,
        ):
            return False
        self._guid, self._record = message.client_guid, record
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        return True

    def _serve(self, message: ConnectionPass, sock: socket.socket) -> None:
        name = message.connection
        try:
            local, remote = endpoint(sock.getsockname()), endpoint(sock.getpeername())
        except OSError as error:
            sock.close()
            self._closed(name, f"gone before it was passed: {error.strerror}")
            return
        stream = Stream(
            self._loop,
            sock,
            limit=_STRANGER_LIMIT,
            queries=self._queries,
            received=lambda pdu: self._received(held, pdu),
            lost=lambda reason: self._lost(held, reason),
        )
        connection = self.core.connected(name, stream, local, remote)
        held = Held(connection, stream)
        if message.seq_low:
            connection.window.consume(0, message.seq_low)
            connection.window.grant(1)
            connection.wildcard_answered = True
        self._held[name] = held
        self._guard(held)
        self._dispatcher.receive(connection, message.negotiate)
        if connection.dialect is not None:
            self.core.events.emit(
                "connection-ready",
                connection=name,
                client_guid=str(message.client_guid),
                pid=self._identity,
                passed=message.owned,
                client=remote,
                server=local,
            )
        stream.start()

    def _received(self, held: Held, pdu: bytes | bytearray) -> None:
        self._dispatcher.receive(held.connection, pdu)
        if held.stream.limit == _STRANGER_LIMIT and _authenticated(held.connection):
            held.stream.limit = self._limits.max_io + _HEADERS

    def _guard(self, held: Held) -> None:
        """Drop a connection that nobody is logged on to, and look again later at one that somebody is."""
        if held.connection.name not in self._held:
            return
        if held.guard is not None and not _authenticated(held.connection):
            held.stream.abort("nobody logged on")
            return
        held.guard = self._loop.call_later(self._limits.unauthenticated_time, self._guard, held)

    def _lost(self, held: Held, reason: str) -> None:
        connection = held.connection
        del self._held[connection.name]
        if held.guard is not None:
            held.guard.cancel()
        self.core.lost(connection)
        self._closed(connection.name, reason)

    def _closed(self, name: str, reason: str) -> None:
        self.core.events.emit("connection-closed", connection=name, pid=self._identity, reason=reason)
        if self._held or self._ended.is_set():
            return
        # Nobody else can be sent here once the client without ClientGUID has gone.
        delay = 0.0 if self._guid == NOBODY else self._limits.worker_linger
        if self._linger is None:
            self._linger = self._loop.call_later(delay, self._expire)

    def _expire(self) -> None:
        self._linger = None
        if not self._held:
            self._end()

    def _retire(self) -> None:
        """Own nothing any more. What was sent before is refused: its sender still has the connection."""
        self._retired = True
        if self._guid is not None and self._record is not None:
            records.release(self._store, self._guid, self._record)
        self._post.drain()


def _state(session: Session) -> dict[str, Any]:
    """A session, as `status` shows it."""
    return {
        "session": session.name,
        "user": session.user,
        "client": str(session.connection.client_guid),
        "state": session.state.value,
        "dialect": f"{session.connection.dialect or 0:#06x}",
        "encrypted": session.encrypt,
        "opens": len(session.opens),
        "channels": [
            {
                "connection": one.connection.name,
                "local": one.connection.local,
                "remote": one.connection.remote,
            }
            for one in session.channels.values()
        ],
    }


def _authenticated(connection: Connection) -> bool:
    return any(session.state is not SessionState.IN_PROGRESS for session in connection.sessions.values())


def main(settings: str, lifeline: socket.socket) -> None:
    """The worker role's main function: runs in a process of its own."""
    asyncio.run(_main(Settings.from_json(settings), lifeline))


async def _main(settings: Settings, lifeline: socket.socket) -> None:
    store = LmdbStore(settings.runtime / "store")
    ports = Ports(PosixFiles(), PosixInterfaces(), store, PosixPeers(), PosixSocketQueries())
    await serve(settings, lifeline, ports)


async def serve(settings: Settings, lifeline: socket.socket, ports: Ports) -> None:
    """All that a worker does, on whatever system."""
    loop = asyncio.get_running_loop()
    log = Log(sys.stderr).bind(role="worker", pid=ports.peers.identity())
    loop.set_exception_handler(log.unhandled)
    loop.set_default_executor(
        ThreadPoolExecutor(settings.config.limits.storage_threads, thread_name_prefix="storage")
    )
    worker = Worker(
        settings,
        lambda ended: Reporter(lifeline, ended),
        files=ports.files,
        interfaces=ports.interfaces,
        store=ports.store,
        peers=ports.peers,
        queries=ports.queries,
        log=log,
    )
    await worker.run()
    worker.reporter.finish()
