"""The other end of the control socket, for the lab, the runner and the command line.

Owns request ids, answers and the stream of events. Must not know what the commands mean. `ControlClient` is
for asyncio, `control_call` for a program that has one question.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from swrap.abi.names import service_address
from swrap.abi.page import Page
from swrap.switch.network import VERSION

LINE = 64 * 1024 * 1024
"""Bytes of the longest answer: `flows` of a lab with tens of thousands of them."""


class ControlError(Exception):
    """The switch refused a command, or there is no switch (any more)."""


class ControlClient:
    """A connection to the switch of one lab. Commands may run concurrently; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._gone = False
        self._task = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, directory: Path) -> Self:
        """Connect to the switch of the lab in `directory`. Raises ControlError where there is none."""
        connection = _connected(directory, blocking=False)
        return cls(*await asyncio.open_unix_connection(sock=connection, limit=LINE))

    async def call(self, do: str, **args: Any) -> Any:
        """Send one command and wait for its result. Raises ControlError with the switch's words."""
        if self._gone:
            raise ControlError("the switch is gone")
        self._number += 1
        number = self._number
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(_request(number, do, args))
            with contextlib.suppress(ConnectionError):  # the answer says so
                await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def events(self, *kinds: str) -> AsyncIterator[dict[str, Any]]:
        """What happens from now on, or only those kinds; ends when the switch does. One consumer at a time."""
        await self.call("subscribe", **({"kinds": kinds} if kinds else {}))
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        """Disconnect; calls that wait fail."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _receive(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass  # cut off in the middle of a line, or not our protocol: as good as gone
        finally:
            self._gone = True
            self._events.put_nowait(None)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ControlError("the switch is gone"))

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._events.put_nowait(message["event"])
            return
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if message["ok"]:
            answer.set_result(message["result"])
        else:
            answer.set_exception(ControlError(message["error"]))


def control_call(directory: Path, do: str, *, timeout: float = 10.0, **args: Any) -> Any:
    """One command, without asyncio. Raises ControlError; `timeout` in seconds."""
    with _connected(directory, blocking=True) as connection, connection.makefile("rb") as lines:
        connection.settimeout(timeout)
        try:
            connection.sendall(_request(1, do, args))
            line = lines.readline()
        except OSError as error:
            raise ControlError(f"no answer from the switch: {error}") from error
    if not line:
        raise ControlError("the switch is gone")
    message = json.loads(line)
    if not message["ok"]:
        raise ControlError(message["error"])
    return message["result"]


def _request(number: int, do: str, args: dict[str, Any]) -> bytes:
    return json.dumps({"v": VERSION, "id": number, "do": do, "args": args}).encode() + b"\n"


def _connected(directory: Path, *, blocking: bool) -> socket.socket:
    """A socket to the switch. Its name is public, so who answers must be the owner of the lab's page."""
    path = directory / "page"
    try:
        owner = path.stat().st_uid
        page = Page.open(path)
    except (OSError, ValueError) as error:
        raise ControlError(f"no lab in {directory}: {error}") from error
    try:
        address = service_address(page, "control")
    finally:
        page.close()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] not in (owner, os.geteuid()):
            raise ControlError(f"the switch of {directory} belongs to somebody else")
    except OSError as error:
        connection.close()
        raise ControlError(f"no switch answers for {directory}: {error.strerror}") from error
    except ControlError:
        connection.close()
        raise
    connection.setblocking(blocking)
    return connection
