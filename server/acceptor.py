"""The acceptor: listens, reads one Negotiate off each connection, and hands the connection to its client's
process.
 Owns the listening sockets and the connections that nobody owns yet. Reads exactly one PDU of a connection
(two with a multi-protocol negotiate), and nothing once it is passed; keeps its descriptor until the receiver
has confirmed. Called by `server.app`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.accepting import Accepting
from server.config import Handover, ServerConfig
from server.core.commands.negotiate import wildcard_response
from server.core.connection import NOBODY
from server.core.shared import listing
from server.core.shared.notices import Orphaned
from server.core.shared.table import FileTable
from server.core.shares import Shares
from server.events import Events, endpoint
from server.greeting import Greeting, greeted
from server.listening import listen
from server.log import Log
from server.nodes import Nodes
from server.passing import notices, records
from server.passing.messages import (
    ConnectionDrop,
    ConnectionPass,
    ConnectionPassed,
    ConnectionRefused,
    decode,
    encode,
)
from server.passing.notices import PostCouriers
from server.passing.post import Post
from server.passing.records import ClientRecord
from server.pool import Pool, WorkerHandle
from server.ports.files import Files
from server.ports.processes import Processes
from server.ports.store import Store
from server.scavenger import Scavenger
from server.wire.errors import WireError
from server.wire.filetime import from_unix_ns

_STRANGERS = 1024
"""Connections without a Negotiate at one time."""
_LETTING_GO = 5.0
"""Seconds that a worker has to end when its client has gone to another node; then it is killed."""


@dataclass(slots=True, eq=False)
class Offer:
    """A connection whose client is known, on its way to the owner."""

    name: str
    sock: socket.socket
    greeting: Greeting
    arrived: int

    @property
    def client_guid(self) -> uuid.UUID:
        return self.greeting.client_guid


@dataclass(slots=True, eq=False)
class Passing:
    """A connection that was sent to a worker. `taken`: whether the worker took it."""

    offer: Offer
    worker: WorkerHandle
    owned: bool
    taken: asyncio.Future[bool]


class Acceptor:
    def __init__(
        self,
        config: ServerConfig,
        processes: Processes,
        settings: str,
        runtime: Path,
        store: Store,
        files: Files,
        *,
        events: Events,
        log: Log,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._config = config
        self._identity = processes.identity()
        self._store = store
        self._events = events
        self._log = log
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._post = Post(runtime / "post", self._posted)
        self._couriers = PostCouriers(self._post, processes, lambda _: None)
        self._shares = Shares(config, files)
        table = FileTable(store, self._post.address, processes.alive, clock, self._shares.delete)
        self._scavenger = Scavenger(table, self._couriers.tell)
        self._pool = Pool(
            processes,
            settings,
            idle=config.workers,
            events=self,
            log=log,
            ended=self._worker_ended,
            before_event=self._post.drain,
        )
        self._nodes: Nodes | None = None
        if config.cluster is not None:
            patience = config.limits.node_time
            self._nodes = Nodes(config.cluster, patience=patience, let_go=self._let_go, log=log)
        self._accepting: Accepting | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing: dict[str, Passing] = {}
        """By connection name."""
        self._strangers = 0
        self._owned: dict[str, str] = {}
        """The worker of each connection that was passed, by the connection's name."""
        self._last = 0

    def start(self) -> list[tuple[str, int]]:
        """Listen, and make the first workers. The (address, port) pairs listened on. OSError: cannot."""
        if self._nodes is not None:
            self._nodes.start()
        listeners = listen(self._config)
        self._pool.start()
        self._accepting = Accepting(listeners, self._accepted, self._log)
        return [listener.getsockname()[:2] for listener in listeners]

    def configure(self, config: ServerConfig, settings: str) -> None:
        """Go by that from now on; where it listens stays as it is."""
        self._config = config
        self._shares.configure(config)
        self._pool.configure(settings, config.to_json())

    async def state(self) -> dict[str, Any]:
        """Sessions by worker, and what is in the store of all of them: opens and who caches what."""
        workers = await self._pool.states()
        sessions = [{"pid": pid, **one} for pid, found in workers.items() for one in found or ()]
        opens, leases = listing.opens_and_grants(self._store)
        silent = [pid for pid, found in workers.items() if found is None]
        return {"sessions": sessions, "opens": opens, "leases": leases, "silent": silent}

    def pids(self) -> list[int]:
        """Of the workers."""
        return self._pool.pids()

    async def stop(self) -> None:
        """Listen no more, drop the connections that nobody owns, end the workers."""
        if self._accepting is not None:
            self._accepting.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._nodes is not None:
            await self._nodes.close()
        await self._pool.close()
        self._scavenger.close()
        await self._couriers.close()
        self._post.close()

    def _accepted(self, sock: socket.socket) -> None:
        held = self._strangers + len(self._owned)
        if self._strangers >= _STRANGERS or held >= self._config.limits.max_connections:
            sock.close()
            return
        self._strangers += 1
        task = self._loop.create_task(self._arrived(sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _arrived(self, sock: socket.socket) -> None:
        """From accept to hand-over. Whatever happens, our descriptor is closed in the end."""
        self._last += 1
        name = f"c{self._last}"
        with sock:
            sock.setblocking(False)
            try:
                self._events.emit(
                    "connection-accepted",
                    connection=name,
                    pid=self._identity,
                    client=endpoint(sock.getpeername()),
                    server=endpoint(sock.getsockname()),
                )
                try:
                    async with asyncio.timeout(self._config.limits.negotiate_time):
                        greeting = await greeted(sock, self._wildcard)
                finally:
                    self._strangers -= 1
                await self._hand_over(Offer(name, sock, greeting, self._clock()))
            except (OSError, EOFError, WireError) as error:
                # TimeoutError is an OSError.
                self._dropped(name, sock, error)

    def _dropped(self, name: str, sock: socket.socket, error: Exception) -> None:
        reason = "no Negotiate in time" if isinstance(error, TimeoutError) else str(error)
        self._events.emit("connection-closed", connection=name, pid=self._identity, reason=reason)
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _wildcard(self) -> bytes:
        return wildcard_response(self._config, from_unix_ns(self._clock()))

    async def _hand_over(self, offer: Offer) -> None:
        """Until a worker has taken it. One that is gone took nothing: the record is looked at again."""
        while True:
            worker, record, owned = await self._owner(offer)
            taken = await self._pass(offer, worker, record, owned)
            if taken is None:
                raise TimeoutError
            if taken:
                return
            if worker.gone.is_set() or records.owner(self._store, offer.client_guid) == record:
                records.release(self._store, offer.client_guid, record)

    async def _owner(self, offer: Offer) -> tuple[WorkerHandle, ClientRecord, bool]:
        """The worker that owns the client: the one on record, or a new one."""
        guid = offer.client_guid
        if guid == NOBODY or self._config.handover is Handover.SESSION:
            worker = await self._pool.take()
            return worker, ClientRecord(worker.address, worker.pid, offer.arrived), False
        while True:
            record = records.owner(self._store, guid)
            if record is None:
                worker, record, new = await self._claim(offer)
                if new:
                    return worker, record, False
                self._pool.give_back(worker)
            found = self._pool.find(record.address)
            if found is not None:
                return found, record, True
            records.release(self._store, guid, record)  # of a worker that is dead

    async def _claim(self, offer: Offer) -> tuple[WorkerHandle, ClientRecord, bool]:
        """A new worker, the record that stands now, and whether that names this worker. EOFError: the client is
        another node's by now.
        """
        async with contextlib.AsyncExitStack() as stack:
            claim = None
            if self._nodes is not None:
                claim = await stack.enter_async_context(
                    self._nodes.claiming(offer.client_guid, offer.arrived)
                )
            worker = await self._pool.take()
            if claim is not None and claim.lost:
                self._pool.give_back(worker)
                raise EOFError("the client has connected to another node, or cannot leave it")
            wanted = ClientRecord(worker.address, worker.pid, offer.arrived)
            return worker, *records.claim(self._store, offer.client_guid, wanted)

    async def _let_go(self, guid: uuid.UUID, node: str) -> None:
        """The client is another node's: its worker ends, and with it all that was under way."""
        record = records.owner(self._store, guid)
        worker = None if record is None else self._pool.find(record.address)
        if worker is None:
            return
        self._events.emit("connection-drop", client_guid=str(guid), node=node, pid=worker.pid)
        with contextlib.suppress(OSError):
            await self._post.send(worker.address, encode(ConnectionDrop(guid, 0, node)))
        try:
            async with asyncio.timeout(_LETTING_GO):
                await worker.gone.wait()
        except TimeoutError:
            worker.child.end(force=True)
            await worker.gone.wait()

    async def _pass(
        self, offer: Offer, worker: WorkerHandle, record: ClientRecord, owned: bool
    ) -> bool | None:
        """True: it is the worker's. False: the worker does not take it, and never will. None: no answer."""
        message = ConnectionPass(
            connection=offer.name,
            client_guid=offer.client_guid,
            initial_connect_time=record.connect_time,
            seq_low=offer.greeting.seq_low,
            owned=owned,
            reply_to=self._post.address,
            from_pid=self._identity,
            negotiate=offer.greeting.negotiate,
        )
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._passing[offer.name] = Passing(offer, worker, owned, answer)
        gone = self._loop.create_task(worker.gone.wait())
        try:
            try:
                await self._post.send(worker.address, encode(message), [offer.sock.fileno()])
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            await asyncio.wait(
                (answer, gone),
                timeout=self._config.limits.handover_time,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if answer.done():
                return answer.result()
            return False if gone.done() else None
        finally:
            gone.cancel()
            del self._passing[offer.name]

    def _posted(self, data: bytes, fds: list[int]) -> None:
        for fd in fds:
            socket.socket(fileno=fd).close()
        try:
            if data.startswith(notices.MARK):
                notice = notices.decode(data)
                if isinstance(notice, Orphaned):
                    self._scavenger.noticed(notice)
                return
            message = decode(data)
        except ValueError as error:
            self._log.failure("a message that is none", error)
            return
        if isinstance(message, ConnectionPassed | ConnectionRefused):
            passing = self._passing.get(message.connection)
            if passing is not None and not passing.taken.done():
                self._answered(passing, isinstance(message, ConnectionPassed))

    def _answered(self, passing: Passing, taken: bool) -> None:
        passing.taken.set_result(taken)
        if taken:
            self._owned[passing.offer.name] = passing.worker.address
            # told here, so that it comes before whatever the worker tells of the connection
            self._events.emit(
                "connection-passed",
                connection=passing.offer.name,
                client_guid=str(passing.offer.client_guid),
                from_pid=self._identity,
                to_pid=passing.worker.pid,
                owned=passing.owned,
            )

    def emit(self, kind: str, /, **fields: Any) -> None:
        """What workers tell, on its way to whoever listens."""
        if kind == "connection-closed":
            self._owned.pop(fields["connection"], None)
        elif kind == "connection-passed":  # from worker to worker
            owner = self._pool.of(fields["to_pid"])
            if owner is not None:
                self._owned[fields["connection"]] = owner.address
        self._events.emit(kind, **fields)

    def _worker_ended(self, worker: WorkerHandle) -> None:
        self._post.drain()  # it may have confirmed before it went
        self._owned = {name: owner for name, owner in self._owned.items() if owner != worker.address}
        records.forget(self._store, worker.address)
        self._post.forget(worker.address)
        self._scavenger.inherit(worker.address)
