"""A real process as an actor: its socket, its output in files, its end.

Owns the file descriptors and what is made of them. Must not know labs: whoever starts the process says how.
Used by ``shim_backend``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from swrap.scenario.backend import Ended, Program

LINE = 4 << 20
"""Bytes of the longest line that an actor may say: a file list, not a file."""

OUTPUT = 64 << 10
"""Bytes of a program's output that a scenario can look at."""

LAST_LINES, LAST_BYTES = 10, 4096
"""Of its standard error, for messages."""

FD = "SWRAP_ACTOR_FD"

Start = Callable[
    [Mapping[str, str], IO[bytes], IO[bytes], tuple[int, ...]], Awaitable[asyncio.subprocess.Process]
]
"""Starts a program in a session of its own, with (additional environment, stdout, stderr, fds to inherit)."""


class SocketChannel:
    """A Channel over our end of a stream socket pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, line: bytes) -> None:
        """See ``backend.Channel``."""
        self._writer.write(line)
        await self._writer.drain()

    async def receive(self) -> bytes | None:
        """See ``backend.Channel``. A last line without its end is no line: its writer died over it."""
        line = await self._reader.readline()
        return line if line.endswith(b"\n") else None

    def close(self) -> None:
        """See ``backend.Channel``."""
        self._writer.close()

    async def abandon(self) -> None:
        """Close it, and return when its socket is closed: there is nobody at the other end."""
        self._writer.transport.abort()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class RealProcess:
    """Implements ``backend.Process``."""

    def __init__(
        self, process: asyncio.subprocess.Process, channel: SocketChannel | None, out: Path, err: Path
    ) -> None:
        self.channel = channel
        self._process = process
        self._out = out
        self._err = err

    @classmethod
    async def spawn(cls, program: Program, folder: Path, start: Start) -> Self:
        """Start ``program`` by ``start``; what it writes goes to ``folder``. Raises what ``start`` does."""
        number = sum(1 for _ in folder.glob(f"{program.name}.*.err")) + 1
        out, err = (folder / f"{program.name}.{number}.{what}" for what in ("out", "err"))
        with out.open("xb") as out_file, err.open("xb") as err_file:
            if not program.protocol:
                return cls(await start(program.environment, out_file, err_file, ()), None, out, err)
            ours, theirs = socket.socketpair()
            with theirs:
                ours.setblocking(False)
                channel = SocketChannel(*await asyncio.open_connection(sock=ours, limit=LINE))
                try:
                    environment = {**program.environment, FD: str(theirs.fileno())}
                    process = await start(environment, out_file, err_file, (theirs.fileno(),))
                except BaseException:
                    await channel.abandon()
                    raise
        return cls(process, channel, out, err)

    @property
    def pid(self) -> int:
        """Its process id, and that of its session."""
        return self._process.pid

    async def wait(self) -> Ended:
        """See ``backend.Process``."""
        status = await self._process.wait()
        if status >= 0:
            return Ended(status, None)
        return Ended(None, signal.Signals(-status).name.removeprefix("SIG"))

    def terminate(self, signal_name: str) -> None:
        """Send a signal to it and to those of its children that stayed in its process group."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and its end was not taken in yet
                os.killpg(self._process.pid, signal.Signals[f"SIG{signal_name}"])

    def output(self) -> str:
        """See ``backend.Process``."""
        return _read(self._out, 0, OUTPUT)

    def last_words(self) -> str:
        """See ``backend.Process``."""
        try:
            size = self._err.stat().st_size
        except OSError:
            return ""
        return "\n".join(_read(self._err, max(0, size - LAST_BYTES), LAST_BYTES).splitlines()[-LAST_LINES:])


def _read(file: Path, start: int, length: int) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(start)
            return stream.read(length).decode(errors="replace")
    except OSError:
        return ""  # the lab is over, and its folder with it
