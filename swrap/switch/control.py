"""The control socket: JSON lines from the lab's owner, one network behind them.

Owns listening, clients and their queues. Must not know what the commands do (`network`), nor run a loop of
its own: the main loop hands it the fds that are ready. A client that does not read is dropped when its
queue is full; the network goes on. The protocol is versioned: {"v":1,"id":…,"do":…,"args":{…}} is answered
by {"id":…,"ok":…,…}.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Callable
from typing import Any, Protocol

from swrap.switch.match import CommandError
from swrap.switch.network import VERSION

MAX_LINE = 64 * 1024
MAX_QUEUE = 4 * 1024 * 1024
"""Bytes that a client may leave unread: some 15,000 events."""

MAX_CLIENTS = 24
"""The data plane leaves that many fds, and a few, to us (RESERVE in opening.c)."""

Answer = dict[str, Any]


class Watcher(Protocol):
    """What tells which fds are ready."""

    def watch(self, fd: int, events: int) -> None:
        """Ask for `events` (EPOLL*) of `fd`; again, to change them."""

    def unwatch(self, fd: int) -> None:
        """Ask no longer."""


class Client:
    """One connection: what it said so far, and what it has not read yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.said = b""
        self.queue = bytearray()
        self.subscribed = False
        self.kinds: frozenset[str] | None = None  # of events; None: all, those of flows among them
        self.last = False  # it goes when it has read all

    def listens_to(self, kind: str) -> bool:
        """Does it want events of this kind?"""
        return self.subscribed and (self.kinds is None or kind in self.kinds)


class Control:
    """The server's side. `do` carries out commands; `subscribed` learns whether anybody listens."""

    def __init__(
        self,
        address: bytes,
        watcher: Watcher,
        *,
        do: Callable[[str, dict[str, Any]], Any],
        subscribed: Callable[[bool], None],
        stop: Callable[[], None],
    ) -> None:
        self._watcher = watcher
        self._do = do
        self._tell_subscribed = subscribed
        self._stop = stop
        self._clients: dict[int, Client] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.bind(address)
        self._socket.listen(64)
        watcher.watch(self._socket.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Drop everybody, after a last try to hand them what is theirs."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._socket.close()

    def owns(self, fd: int) -> bool:
        """Is this ready fd one of ours?"""
        return fd == self._socket.fileno() or fd in self._clients

    def ready(self, fd: int, events: int) -> None:
        """One of our fds is ready."""
        if fd == self._socket.fileno():
            self._accept()
            return
        client = self._clients[fd]
        if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            self._read(client)
        if fd in self._clients and events & select.EPOLLOUT:
            self._write(client)

    def event(self, event: dict[str, Any]) -> None:
        """Tell all that subscribed."""
        listening = [one for one in self._clients.values() if one.listens_to(event["kind"])]
        if listening:
            line = _line({"event": event})
            for client in listening:
                self._send(client, line)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            if struct.unpack("3i", credentials)[1] != os.geteuid() or len(self._clients) == MAX_CLIENTS:
                connection.close()
                continue
            connection.setblocking(False)
            self._clients[connection.fileno()] = Client(connection)
            self._watcher.watch(connection.fileno(), select.EPOLLIN)

    def _read(self, client: Client) -> None:
        try:
            got = client.connection.recv(MAX_LINE)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self._drop(client)
            return
        *lines, client.said = (client.said + got).split(b"\n")
        for line in lines:
            if client.connection.fileno() < 0 or client.last:
                return
            self._send(client, _line(self._answer(client, line)))
        if len(client.said) > MAX_LINE:
            client.last = True
            self._send(client, _line(_error(None, f"a line is longer than {MAX_LINE} bytes")))

    def _answer(self, client: Client, line: bytes) -> Answer:
        number: Any = None
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise CommandError("a command is an object")
            number = request.get("id")
            return {"id": number, "ok": True, "result": self._command(client, request)}
        except CommandError as error:
            return _error(number, str(error))
        except (ValueError, RecursionError) as error:
            return _error(number, f"not JSON: {error}")

    def _command(self, client: Client, request: dict[str, Any]) -> Any:
        if request.get("v", VERSION) != VERSION:
            raise CommandError(f"version {request['v']!r} is not spoken here, {VERSION} is")
        verb, args = request.get("do"), request.get("args", {})
        if not isinstance(verb, str) or not isinstance(args, dict):
            raise CommandError("do is a word, args is an object")
        if verb == "subscribe":
            client.kinds = _kinds(args)
            client.subscribed = True
            self._about_flows()
            return None
        if verb == "stop":
            self._stop()
            return None
        return self._do(verb, args)

    def _send(self, client: Client, line: bytes) -> None:
        if len(client.queue) + len(line) > MAX_QUEUE:
            self._drop(client)
            return
        empty = not client.queue
        client.queue += line
        if empty:
            self._write(client)

    def _write(self, client: Client) -> None:
        try:
            sent = client.connection.send(client.queue)
            del client.queue[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if client.last and not client.queue:
            self._drop(client)
            return
        self._watcher.watch(
            client.connection.fileno(), select.EPOLLIN | (select.EPOLLOUT if client.queue else 0)
        )

    def _drop(self, client: Client) -> None:
        fd = client.connection.fileno()
        if self._clients.pop(fd, None) is None:
            return
        self._watcher.unwatch(fd)
        with contextlib.suppress(OSError):
            client.connection.send(client.queue)
        client.connection.close()
        if client.subscribed:
            self._about_flows()

    def _about_flows(self) -> None:
        """The data plane makes records for those who want to hear of everything."""
        self._tell_subscribed(any(one.subscribed and one.kinds is None for one in self._clients.values()))


def _kinds(args: dict[str, Any]) -> frozenset[str] | None:
    kinds = args.get("kinds")
    if kinds is not None and not (isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)):
        raise CommandError(f"kinds is a list of words, not {kinds!r}")
    return None if kinds is None else frozenset(kinds)


def _line(value: Answer) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _error(number: Any, message: str) -> Answer:
    return {"id": number, "ok": False, "error": message}
