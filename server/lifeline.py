"""The stream between a worker and the acceptor: events one way, questions and life itself the other.
 Owns the JSON lines on it. EOF tells either end that the other is gone, or wants to end. Called by worker and
acceptor.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any


class Reporter:
    """The worker's end: an `Events` sink whose lines the acceptor reads. `ended` is called at EOF, `asked` with what
    the acceptor says.
    """

    def __init__(self, sock: socket.socket, ended: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._ended = ended
        self.asked: Callable[[dict[str, Any]], None] | None = None
        self._in = bytearray()
        self._out = bytearray()
        self._writing = False
        self._loop.add_reader(sock.fileno(), self._readable)

    def emit(self, kind: str, /, **fields: Any) -> None:
        self._out += json.dumps({"kind": kind, **fields}).encode() + b"\n"
        if not self._writing:
            self._flush()

    def tell(self, **fields: Any) -> None:
        """A line that is no event: what only the acceptor needs to know."""
        self.emit("", **fields)

    def finish(self) -> None:
        """Send what is left, waiting for room: the last thing a worker does. No loop is needed any more."""
        self._loop.remove_reader(self._socket.fileno())
        if self._writing:
            self._loop.remove_writer(self._socket.fileno())
        self._socket.setblocking(True)
        try:
            self._socket.sendall(self._out)
        except OSError:
            return  # nobody is left to read
        finally:
            self._socket.close()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65536)
            if data:
                self._hear(data)
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._loop.remove_reader(self._socket.fileno())
        self._ended()

    def _hear(self, data: bytes) -> None:
        *lines, self._in = (self._in + data).split(b"\n")
        for line in lines:
            if self.asked is not None:
                self.asked(json.loads(line))

    def _flush(self) -> None:
        try:
            while self._out:
                del self._out[: self._socket.send(self._out)]
        except (BlockingIOError, InterruptedError):
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._socket.fileno(), self._flush)
            return
        except OSError:
            self._out.clear()  # nobody is left to read
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
