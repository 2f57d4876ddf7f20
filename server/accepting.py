"""Accepts what comes to some listeners, and keeps on when the machine runs out of descriptors for a while.

Owns the listening sockets. Called by the acceptor.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from server.listening import BACKLOG
from server.log import Log

_NO_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RETRY = 0.1
"""Seconds."""


class Accepting:
    """`accepted(sock)` gets each new connection, and owns it."""

    def __init__(
        self, listeners: list[socket.socket], accepted: Callable[[socket.socket], None], log: Log
    ) -> None:
        self._listeners = listeners
        self._accepted = accepted
        self._log = log
        self._loop = asyncio.get_running_loop()
        for listener in listeners:
            self._listen(listener)

    def close(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()

    def _listen(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener.fileno(), self._acceptable, listener)

    def _acceptable(self, listener: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                sock, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._log.warning("accept failed", error=error.strerror)
                if error.errno in _NO_RESOURCES:
                    self._loop.remove_reader(listener.fileno())
                    self._loop.call_later(_RETRY, self._listen, listener)
                return
            self._accepted(sock)
