"""The actor's side of the actor protocol: JSON lines on the stream socket whose number is in SWRAP_ACTOR_FD.

Owns lines, ids and errors. Must not know any verb. Called by the actors' main functions::

    actor → {"hello": {"actor": "smb-client", "pid": 123}}        once, when ready for verbs
    runner → {"id": 1, "verb": "login", "args": {…}}              verbs may run at the same time
    actor → {"id": 1, "progress": {"done": 33554432, "total": 67108864}}
    actor → {"id": 1, "result": {…}}  or  {"id": 1, "error": {"message": "…", "status": "STATUS_…"}}
    actor → {"event": {"kind": "channel-opened", …}}              at any time
    runner → end of file                                          end now
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.wire.status import NTSTATUS

VARIABLE = "SWRAP_ACTOR_FD"
_LINE_LIMIT = 1 << 20
_GRACE = 0.7
"""Seconds for clean-up after end of file; the runner waits for one."""

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (done, total) as often as is useful to whoever waits for a share of it."""
Handler = Callable[[Mapping[str, Any], Progress], Awaitable[Mapping[str, Any] | None]]
"""A verb: its arguments and a progress callback in, its result out; an exception is the error answer."""


class ActorError(Exception):
    """A verb cannot be done; the text says why. Handlers raise it for what is the scenario's fault."""


class ActorChannel:
    """The connection to the runner. ``emit`` may be called from the first moment on."""

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer
        self._running: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, name: str) -> ActorChannel:
        """Take over the socket of the environment. ActorError: this process was not started as an actor."""
        number = os.environ.pop(VARIABLE, "")
        if not number.isdigit():
            raise ActorError(f"{VARIABLE} is not set: {name} is started by a scenario, not by hand")
        sock = socket.socket(fileno=int(number))
        sock.set_inheritable(False)  # A child that held it would keep the runner waiting for our end.
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock, limit=_LINE_LIMIT)
        return cls(name, reader, writer)

    def emit(self, kind: str, /, **fields: Any) -> None:
        """Tell the runner of an event."""
        self._send({"event": {"kind": kind, **fields}})

    async def serve(
        self, handlers: Mapping[str, Handler], on_eof: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Say hello, do verbs until the runner closes, then ``on_eof``."""
        self._send({"hello": {"actor": self._name, "pid": os.getpid()}})
        try:
            while line := await self._next_line():
                self._begin(line, handlers)
        finally:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await asyncio.gather(*self._running, return_exceptions=True)
                    if on_eof is not None:
                        await on_eof()
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await self._writer.wait_closed()

    async def _next_line(self) -> bytes:
        """A line, or nothing at the end; a runner that was killed may leave a reset instead."""
        try:
            return await self._reader.readline()
        except (OSError, ValueError) as error:
            _log.error("actor protocol: %s", error)
            return b""

    def _begin(self, line: bytes, handlers: Mapping[str, Handler]) -> None:
        try:
            request = json.loads(line)
            number, verb, args = request["id"], request["verb"], request.get("args") or {}
        except (ValueError, KeyError, TypeError) as error:
            self._send({"id": None, "error": {"message": f"not a request: {error}"}})
            return
        handler = handlers.get(verb)
        if handler is None:
            known = ", ".join(sorted(handlers))
            self._send({"id": number, "error": {"message": f"no verb {verb!r}; there are: {known}"}})
            return
        task = asyncio.create_task(self._run(number, verb, handler, args), name=f"verb {verb}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, number: int, verb: str, handler: Handler, args: Mapping[str, Any]) -> None:
        def progress(done: int, total: int) -> None:
            self._send({"id": number, "progress": {"done": done, "total": total}})

        try:
            result = await handler(args, progress)
        except Exception as error:  # The runner is owed an answer, whatever went wrong.
            answer: dict[str, Any] = {"message": str(error) or type(error).__name__}
            status = getattr(error, "status", None)
            if isinstance(status, NTSTATUS):
                answer["status"] = status.label
            elif not isinstance(error, ActorError | OSError):
                _log.error("verb %s failed", verb, exc_info=error)
            self._send({"id": number, "error": answer})
        else:
            self._send({"id": number, "result": dict(result or {})})

    def _send(self, message: Mapping[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, default=str, separators=(",", ":")).encode() + b"\n")
