"""A server with two addresses, each behind a relay that can go silent or be reset: two cables, on loopback.

The relays listen on 127.0.0.2 ("fast") and 127.0.0.3 ("slow"), the server on 127.0.0.1, all on one port. The
server's processes are real ones; only its list of interfaces is told to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path

from server.client import Client, Options
from server.client.events import Field
from server.client.local import LocalAddress

FAST, SLOW, HOME = "127.0.0.2", "127.0.0.3", "127.0.0.1"
SPEEDS = {FAST: 10_000_000_000, SLOW: 300_000_000}
USER, PASSWORD, SHARE = "alice", "secret", "data"
_READY = 20.0

_SERVE = """
import json, sys
from ipaddress import ip_address
from server.cli import main
from server.ports.interfaces import InterfaceAddress
from server.posix.interfaces import PosixInterfaces

def query(self):
    with open(sys.argv[1]) as listed:
        return [
            InterfaceAddress(n, f"if{n}", ip_address(a), speed, True, False, True, False)
            for n, (a, speed) in enumerate(json.load(listed).items(), 11)
        ]

PosixInterfaces.query = query
sys.exit(main(sys.argv[2:]))
"""


class Relay:
    """One cable. ``freeze`` lets nothing through, in neither direction, and says nothing; ``thaw`` ends that."""

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self._listener = listener
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._pairs: list[list[asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, sock=self._listener)

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def reset(self, one: bool = False) -> None:
        """End its connections (or the oldest alone) with a TCP reset at both ends."""
        for pair in list(self._pairs)[: 1 if one else None]:
            for writer in pair:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._flowing.wait()
            back_reader, back_writer = await asyncio.open_connection(*self._target)
            writers.append(back_writer)
            self._pairs.append(writers)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, back_writer))
                group.create_task(self._pump(back_reader, writer))
        except (OSError, BaseExceptionGroup):
            pass  # Either end may leave as it likes.
        finally:
            if writers in self._pairs:
                self._pairs.remove(writers)
            for one in writers:
                one.transport.abort()
            for one in writers:
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        await self._flowing.wait()  # A FIN gets no further than data.
        writer.write_eof()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Cables:
    """This host's end of the two paths, as its kernel would tell of it."""

    def __init__(self) -> None:
        self.up = {FAST: True, SLOW: True}

    def snapshot(self) -> tuple[LocalAddress, ...]:
        return tuple(
            LocalAddress(name, ip_address(at), ip_network(f"{at}/32"), SPEEDS[at], True, self.up[at])
            for name, at in (("fast", FAST), ("slow", SLOW))
        )


class TwoPaths:
    """The running thing. ``events`` are the client's, in order."""

    def __init__(self, directory: Path, port: int, relays: Mapping[str, Relay], listed: Path) -> None:
        self.directory = directory
        self.port = port
        self.fast, self.slow = relays[FAST], relays[SLOW]
        self.cables = Cables()
        self.events: list[tuple[str, Mapping[str, Field]]] = []
        self._listed = listed
        self._told = asyncio.Event()

    def advertise(self, *addresses: str) -> None:
        """What the server says of its interfaces from now on."""
        whole = self._listed.with_suffix(".new")
        whole.write_text(json.dumps({address: SPEEDS[address] for address in addresses}))
        whole.rename(self._listed)

    def client(self, *, password: str = PASSWORD, server: str = FAST, **options: object) -> Client:
        chosen = Options(server, USER, password, port=self.port, **{"poll_interval": 0.5, **options})  # type: ignore[arg-type]
        return Client(chosen, observer=self._observe, interfaces=self.cables)

    def _observe(self, kind: str, fields: Mapping[str, Field]) -> None:
        self.events.append((kind, fields))
        self._told.set()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def told(self, kind: str) -> list[Mapping[str, Field]]:
        return [fields for one, fields in self.events if one == kind]

    async def until(self, kind: str, within: float = 15.0, **where: Field) -> None:
        """An event of that kind with those fields has been told."""

        def is_told() -> bool:
            return any(where.items() <= fields.items() for fields in self.told(kind))

        await self.when(is_told, within)

    async def when(self, condition: Callable[[], bool], within: float = 15.0) -> None:
        """``condition`` holds; looked at whenever something was told."""
        async with asyncio.timeout(within):
            while not condition():
                self._told.clear()
                await self._told.wait()

    def states(self, client: Client) -> set[str]:
        return {channel.state.value for channel in client.channels}

    def remotes(self, client: Client) -> set[str]:
        """The addresses that carry the session now."""
        return {str(channel.path.remote) for channel in client.channels}


@contextlib.asynccontextmanager
async def two_paths(tmp_path: Path, *flags: str) -> AsyncIterator[TwoPaths]:
    """``flags`` are more of the server's."""
    share, listed = tmp_path / "share", tmp_path / "interfaces.json"
    share.mkdir()
    listeners, port = _listeners()
    relays = {at: Relay(listener, (HOME, port)) for at, listener in listeners.items()}
    paths = TwoPaths(share, port, relays, listed)
    paths.advertise(FAST, SLOW)
    serve = [
        "--address",
        HOME,
        "--port",
        str(port),
        "--share",
        f"{SHARE}={share}",
        "--user",
        f"{USER}%{PASSWORD}",
        *flags,
    ]
    with (tmp_path / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _SERVE,
            str(listed),
            *serve,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
        )
    try:
        await _reachable(port, process, tmp_path / "server.log")
        for relay in relays.values():
            await relay.start()
        yield paths
    finally:
        for relay in relays.values():
            await relay.close()
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)


def _listeners() -> tuple[dict[str, socket.socket], int]:
    """Listening sockets of both relays, on a port that is free at home as well."""
    for _ in range(50):
        listeners: dict[str, socket.socket] = {}
        port = 0
        try:
            for at in (FAST, SLOW):
                listener = socket.socket()
                listeners[at] = listener
                # Little room: what a frozen relay does not read soon shows as un-acked bytes.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                listener.bind((at, port))
                listener.listen(64)
                port = listener.getsockname()[1]
            with socket.socket() as probe:
                probe.bind((HOME, port))
        except OSError as error:
            for listener in listeners.values():
                listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return listeners, port
    raise RuntimeError("no port is free on three loopback addresses")


async def _reachable(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_READY):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOME, port)
            except ConnectionRefusedError:
                if process.returncode is not None:
                    raise RuntimeError(f"the server ended: {log.read_text()}") from None
                await asyncio.sleep(0.05)  # A server started by flags says in no other way that it listens.
            else:
                writer.close()
                await writer.wait_closed()
                return


def chunks(count: int, size: int = 1 << 20) -> Iterator[bytes]:
    """``count`` pieces that all differ."""
    for number in range(count):
        yield number.to_bytes(8, "big") * (size // 8)
