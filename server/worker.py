"""A worker process: the core for one client, and the connections that were handed to it.
 Owns the sockets of its connections, the confirmation of each, and its own end: when the client has had no
connection for a while, when the acceptor is gone, or when it is told to. Never accepts and never dials.
Started by `server.role`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.config import Handover, ServerConfig
from server.core import portable
from server.core.commands.negotiate import join_client, smb1_negotiate
from server.core.commands.table import HANDLERS
from server.core.connection import NOBODY, Connection
from server.core.core import Core
from server.core.dispatcher import Dispatcher
from server.core.session import SessionState
from server.events import endpoint
from server.handing import Handing, Owner
from server.lifeline import Reporter
from server.log import Log
from server.passing import notices, records
from server.passing.messages import (
    ConnectionDrop,
    ConnectionPass,
    ConnectionPassed,
    ConnectionRefused,
    SessionPass,
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
from server.stream import Stream

_STRANGER_LIMIT = 68 * 1024
_HEADERS = 64 * 1024
_SETTLING = 3.0
_LINGERING = 1.0
"""Seconds that what is under way has when the worker is told to end, and clients then to take their answers."""


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
        ports: Ports,
        reporter_of: Callable[[Callable[[], None]], Reporter],
        log: Log,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = settings.config.limits
        self._store = ports.store
        self._log = log
        self._identity = ports.peers.identity()
        self._queries = ports.queries
        self._ended = asyncio.Event()
        self._emptied = asyncio.Event()
        self._guid: uuid.UUID | None = None
        self._record: ClientRecord | None = None
        self._retired = False
        self._held: dict[str, Held] = {}
        self._linger: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.reporter = reporter_of(self._end)
        self.reporter.asked = self._asked
        self._post = Post(settings.runtime / "post", self._posted)
        self._couriers = PostCouriers(self._post, ports.peers, lambda notice: self.core.noticed(notice))
        self.core = Core(
            settings.config,
            ports.files,
            ports.interfaces,
            ports.store,
            self._couriers,
            self.reporter,
            self._identity,
            os.urandom,
            time.time_ns,
        )
        self._dispatcher = Dispatcher(self.core, HANDLERS, smb1_negotiate, log)
        self._handing: Handing | None = None
        if settings.config.handover is Handover.SESSION:
            self._handing = Handing(ports.store, self._post, ports.peers, time.time_ns, self._claimed)

    async def run(self) -> None:
        """Until the end. Then everything is closed, and the record gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)
        self.reporter.tell(address=self._post.address)
        await self._ended.wait()
        self._retire()
        await self._finish()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._dispatcher.settled()  # work that has begun goes on to its end
        self.core.breaks.close()
        await self._couriers.close()
        self._post.close()
        self._store.close()

    async def _finish(self) -> None:
        """What was asked is answered, if it can be in time; then sessions and connections end."""
        for held in self._held.values():
            held.stream.hold()
        self.core.interrupt()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLING):
                await self._dispatcher.settled()
        for session in list(self.core.sessions.values()):
            self.core.end_session(session, lost=True)
        for held in list(self._held.values()):
            held.stream.finish("the server ends")
        if self._held:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGERING):
                    await self._emptied.wait()
        for held in list(self._held.values()):
            held.stream.abort("the server ends")

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
                self.reporter.tell(state=session.shown())
            self.reporter.tell(state=None)

    def _posted(self, data: bytes, fds: list[int]) -> None:
        sockets = [socket.socket(fileno=fd) for fd in fds]
        try:
            if data.startswith(notices.MARK):
                self.core.noticed(notices.decode(data))
                return
            message = decode(data)
        except ValueError as error:
            self._log.failure("a message that is none", error)
            message = None
        if isinstance(message, ConnectionPass | SessionPass) and len(sockets) == 1:
            self._begin(self._taken(message, sockets.pop()))
        for sock in sockets:
            sock.close()
        if isinstance(message, ConnectionPassed | ConnectionRefused) and self._handing is not None:
            self._handing.answered(message)
        elif isinstance(message, ConnectionDrop) and message.client_guid == self._guid:
            for held in list(self._held.values()):
                held.stream.abort("the client has moved to another node")
            self._end()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _taken(self, message: ConnectionPass | SessionPass, sock: socket.socket) -> None:
        """Confirm, then serve: in this order, so that a connection that is passed again was answered by
        nobody.
        """
        mine = self._is_mine(message) if isinstance(message, ConnectionPass) else self._is_ours(message)
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
        if not mine:
            sock.close()
        elif isinstance(message, ConnectionPass):
            self._couriers.home = message.reply_to
            self._serve(message, sock)
        else:
            self._adopt(message, sock)

    def _is_mine(self, message: ConnectionPass) -> bool:
        """Whether the connection, of which nothing but its client is known, is this worker's."""
        if self._retired or self._ended.is_set():  # it may have ended, and not have said so yet
            return False
        if self._handing is not None:
            return not self._held and self._record is None
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
        self._claimed(message.client_guid, record)
        return True

    def _is_ours(self, message: SessionPass) -> bool:
        """Whether the session that a connection asks for is this worker's."""
        if self._ended.is_set() or self._retired or self._record is None or message.client_guid != self._guid:
            return False
        self._linger_no_more()
        return not message.session_id or message.session_id in self.core.sessions

    def _claimed(self, guid: uuid.UUID, record: ClientRecord) -> None:
        self._guid, self._record = guid, record
        self._linger_no_more()

    def _linger_no_more(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    def _serve(self, message: ConnectionPass, sock: socket.socket) -> None:
        """A connection of which the Negotiate was read, and nothing more."""
        held = self._hold(message.connection, sock)
        if held is None:
            return
        connection = held.connection
        if message.seq_low:
            connection.window.consume(0, message.seq_low)
            connection.window.grant(1)
            connection.wildcard_answered = True
        self._dispatcher.receive(connection, message.negotiate)
        if connection.dialect is not None:
            self.core.events.emit(
                "connection-ready",
                connection=connection.name,
                client_guid=str(message.client_guid),
                pid=self._identity,
                passed=message.owned,
                client=connection.remote,
                server=connection.local,
            )
        held.stream.start()

    def _adopt(self, message: SessionPass, sock: socket.socket) -> None:
        """A connection that another worker has negotiated."""
        held = self._hold(message.connection, sock)
        if held is None:
            return
        portable.unpack(held.connection, message.state)
        join_client(self.core, held.connection)
        self.core.events.emit(
            "connection-passed",
            connection=message.connection,
            client_guid=str(message.client_guid),
            from_pid=message.from_pid,
            to_pid=self._identity,
            owned=True,
        )
        self._dispatcher.receive(held.connection, message.request)
        held.stream.start(message.unread)

    def _hold(self, name: str, sock: socket.socket) -> Held | None:
        """It is this worker's. None: it was gone before."""
        try:
            local, remote = endpoint(sock.getsockname()), endpoint(sock.getpeername())
        except OSError as error:
            sock.close()
            self._closed(name, f"gone before it was passed: {error.strerror}")
            return None
        stream = Stream(
            self._loop,
            sock,
            limit=_STRANGER_LIMIT,
            queries=self._queries,
            received=lambda pdu: self._received(held, pdu),
            lost=lambda reason: self._lost(held, reason),
        )
        held = Held(self.core.connected(name, stream, local, remote), stream)
        self._held[name] = held
        self._guard(held)
        return held

    def _received(self, held: Held, pdu: bytes | bytearray) -> None:
        if self._handing is not None:
            owner = self._handing.elsewhere(held.connection, pdu)
            if owner is not None:
                held.stream.hold()
                self._begin(self._hand_over(self._handing, owner, held, pdu))
                return
        self._dispatcher.receive(held.connection, pdu)
        if held.stream.limit == _STRANGER_LIMIT and _authenticated(held.connection):
            held.stream.limit = self._limits.max_io + _HEADERS

    async def _hand_over(self, handing: Handing, owner: Owner, held: Held, pdu: bytes | bytearray) -> None:
        """The session that the connection asks for is another worker's."""
        name = held.connection.name
        if held.stream.queued:
            held.stream.abort("a log-on by a client that does not take its answers")
            return
        taken = await handing.hand_over(owner, held.connection, held.stream, pdu, self._limits.handover_time)
        if name not in self._held:
            return
        if taken is None:
            held.stream.abort("nobody took it in time")
        elif taken:
            held.stream.detach()
            self._forget(held)
            self._empty()
        else:
            self._received(held, pdu)
            held.stream.go_on()

    def _guard(self, held: Held) -> None:
        """Drop a connection that nobody is logged on to, and look again later at one that somebody is."""
        if held.connection.name not in self._held:
            return
        if held.guard is not None and not _authenticated(held.connection):
            held.stream.abort("nobody logged on")
            return
        held.guard = self._loop.call_later(self._limits.unauthenticated_time, self._guard, held)

    def _lost(self, held: Held, reason: str) -> None:
        self._forget(held)
        self._closed(held.connection.name, reason)

    def _forget(self, held: Held) -> None:
        del self._held[held.connection.name]
        if held.guard is not None:
            held.guard.cancel()
        self.core.lost(held.connection)

    def _closed(self, name: str, reason: str) -> None:
        self.core.events.emit("connection-closed", connection=name, pid=self._identity, reason=reason)
        self._empty()

    def _empty(self) -> None:
        """A connection has gone; if it was the last one, so may the worker."""
        if self._held:
            return
        self._emptied.set()
        if self._ended.is_set():
            return
        if self._handing is not None and self._record is None:
            self._guid = None
            self.reporter.tell(idle=True)
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


def _authenticated(connection: Connection) -> bool:
    return any(session.state is not SessionState.IN_PROGRESS for session in connection.sessions.values())
