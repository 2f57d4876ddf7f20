"""The core of a server without sockets or processes, and as many workers of it as a test wants, in this process.

`InProcess` is one worker; a `Fleet` several, with one store; `InProcessWire` a connection, as the core and as the peer
see it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from selftest.support.smb_exchange import Closed
from server.config import Limits, ServerConfig, ShareConfig, UserConfig
from server.core.commands.negotiate import smb1_negotiate
from server.core.commands.table import HANDLERS
from server.core.connection import Connection, Progress
from server.core.core import Core
from server.core.dispatcher import Dispatcher
from server.core.shared.notices import Notice, Orphaned
from server.log import Log
from server.memory import MemoryStore
from server.ports.files import Files
from server.ports.interfaces import InterfaceAddress
from server.ports.store import Store
from server.posix.files import PosixFiles
from server.wire.ntlm import nt_hash

USERS = {"alice": "secret", "bob": "hunter2"}


def config(tmp_path: Path, **changes: Any) -> ServerConfig:
    root = tmp_path / "share"
    root.mkdir(exist_ok=True)
    chosen: dict[str, Any] = {
        "shares": (ShareConfig("data", str(root)),),
        "users": tuple(UserConfig(name, nt_hash(password).hex()) for name, password in USERS.items()),
        "guid": str(uuid.UUID(int=7)),
        "limits": Limits(),
    }
    return ServerConfig(**{**chosen, **changes})


@dataclass
class Told:
    """Events, kept."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def emit(self, kind: str, /, **fields: Any) -> None:
        self.events.append((kind, fields))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


@dataclass
class Listed:
    """Interfaces as a test wants them."""

    interfaces: list[InterfaceAddress] = field(default_factory=list)

    def query(self) -> list[InterfaceAddress]:
        return self.interfaces


def interface(index: int, address: str, **changes: Any) -> InterfaceAddress:
    chosen: dict[str, Any] = {
        "name": f"eth{index}",
        "speed": 1_000_000_000,
        "rss": False,
        "rdma": False,
        "running": True,
        "loopback": False,
    }
    return InterfaceAddress(index=index, address=ip_address(address), **{**chosen, **changes})


class Fleet:
    """Workers of one server, each a core in this process: one loop, one store, and the way between them."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        self.loop = asyncio.new_event_loop()
        self.workers: dict[str, InProcess] = {}
        self.arrived = asyncio.Event()
        self.orphaned: list[Orphaned] = []

    def run(self, turns: int = 64) -> None:
        """Let everything go on that does not wait for time or a thread."""

        async def several() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(several())

    def await_answer(self, wire: InProcessWire) -> None:
        """Until something was sent on that wire, for a while; not at all where nothing is under way that could send it."""
        self.run()
        if wire.answers or not any(worker.busy() for worker in self.workers.values()):
            return

        async def until() -> None:
            async with asyncio.timeout(_PATIENCE):
                while not wire.answers and wire.reason is None:
                    self.arrived.clear()
                    await self.arrived.wait()

        with contextlib.suppress(TimeoutError):
            self.loop.run_until_complete(until())

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


_PATIENCE = 5.0


@dataclass
class Inbox:
    """`Couriers` within one process."""

    fleet: Fleet
    address: str
    home: str = "home"

    def alive(self, pid: int) -> bool:
        return any(worker.core.identity == pid for worker in self.fleet.workers.values())

    def tell(self, address: str, notice: Notice) -> None:
        if isinstance(notice, Orphaned):
            self.fleet.orphaned.append(notice)
        worker = self.fleet.workers.get(address)
        if worker is not None:
            self.fleet.loop.call_soon(worker.core.noticed, notice)


class InProcess:
    """The core of one worker, on a loop of its own or of its `fleet`. `connect` gives a connection to it."""

    def __init__(
        self, settings: ServerConfig, fleet: Fleet | None = None, files: Files | None = None
    ) -> None:
        self.own = fleet is None
        self.fleet = fleet or Fleet()
        self.events = Told()
        self.interfaces = Listed([interface(2, "10.0.1.1", rss=True, speed=10_000_000_000)])
        number = len(self.fleet.workers) + 1
        self.address = f"worker-{number:09}"
        self.core = Core(
            settings,
            files or PosixFiles(),
            self.interfaces,
            self.fleet.store,
            Inbox(self.fleet, self.address),
            self.events,
            number,
            os.urandom,
            time.time_ns,
        )
        self.fleet.workers[self.address] = self
        self.failures = Failures()
        self.dispatcher = Dispatcher(self.core, HANDLERS, smb1_negotiate, Log(self.failures))
        self.wires: list[InProcessWire] = []

    def connect(self) -> InProcessWire:
        wire = InProcessWire(self, f"c{len(self.wires) + 1}")
        self.wires.append(wire)
        return wire

    def deliver(self, connection: Connection, pdu: bytes) -> None:
        """Hand it to the core; what has to wait for a thread is left waiting."""

        async def receive() -> None:
            self.dispatcher.receive(connection, pdu)

        self.fleet.loop.run_until_complete(receive())

    def busy(self) -> bool:
        return bool(self.dispatcher._tasks or self.core.breaks._tasks)

    def settle(self) -> None:
        """Let everything that waits come to its end."""
        self.fleet.loop.run_until_complete(self.dispatcher.settled())

    def kill(self) -> None:
        """As SIGKILL would: nothing of it acts any more; what it has in the store stays."""
        del self.fleet.workers[self.address]
        for wire in self.wires:
            wire.reason = wire.reason or "killed"

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            for wire in self.wires:
                wire.close("the test ends")
            self.core.breaks.close()

        self.fleet.loop.run_until_complete(end())
        self.settle()
        if self.own:
            self.fleet.close()


class Failures:
    """A log stream that a test can look into: a line here is an error of the server's own."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> int:
        self.lines.append(line)
        return len(line)

    def flush(self) -> None:
        return


class InProcessWire:
    """One connection: a `Wire` to the core, an `Exchange` to the peer."""

    def __init__(self, server: InProcess, name: str) -> None:
        self._server = server
        self.answers: list[bytes] = []
        self.reason: str | None = None
        self.sent = 0
        self.acking = True
        self.connection = server.core.connected(name, self, "10.0.1.1:445", "10.0.1.2:40000")

    def send(self, pdu: bytes | list[Any]) -> None:
        """From the peer: bytes of a message. From the core: the parts of a framed PDU."""
        if isinstance(pdu, list):
            if self.reason is None:
                self.answers.append(b"".join(bytes(part) for part in pdu)[4:])
                self.sent += len(self.answers[-1]) + 4
                self._server.fleet.arrived.set()
        elif self.reason is None:
            self._server.deliver(self.connection, pdu)

    def receive(self) -> bytes:
        if not self.answers:
            self._server.fleet.await_answer(self)
        if self.answers:
            return self.answers.pop(0)
        raise Closed(self.reason or "no answer, though the connection is open")

    def close(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
            self._server.fleet.arrived.set()
            self._server.core.lost(self.connection)

    abort = close

    def progress(self) -> Progress:
        """`acking` False: the peer's TCP has gone silent."""
        return Progress(self.sent, self.sent if self.acking else 0, 0.2)

    def quiet(self) -> bool:
        """Whether nothing was sent, once everything that could has gone on."""
        self._server.fleet.run()
        return not self.answers
