"""The way to ask a running server what it does: one connection, one JSON document.

Owns the socket `control` in the server's runtime directory, which nobody else can enter, and the finding of servers
by it. Called by the application that serves, and by `python -m server status`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from server.runtime import PREFIX, places

NAME = "control"
_PATIENCE = 10.0

State = dict[str, Any]


class Control:
    """Answers everybody who connects with what `state` gives."""

    def __init__(self, runtime: Path, state: Callable[[], Awaitable[State]]) -> None:
        self._path = runtime / NAME
        self._state = state
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._asked, self._path)

    async def _asked(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                writer.write(json.dumps(await self._state()).encode())
                await writer.drain()
            finally:
                writer.close()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def servers() -> dict[Path, State]:
    """What this user's servers say, by control socket, as far as their runtime directories are where they usually
    are.
    """
    found: dict[Path, State] = {}
    for path in (path for place in places() for path in sorted(place.glob(f"{PREFIX}*/{NAME}"))):
        with contextlib.suppress(OSError, ValueError):  # it is ending, or was killed
            if path.parent.stat().st_uid == os.geteuid():
                found[path] = ask(path)
    return found


def ask(path: Path) -> State:
    """OSError, ValueError: nobody answers there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_PATIENCE)
        sock.connect(str(path))
        answer = bytearray()
        while piece := sock.recv(65536):
            answer += piece
    state: State = json.loads(answer)
    return state
