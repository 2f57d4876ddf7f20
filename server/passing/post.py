"""Datagrams between the processes of one server, with descriptors in them (unix(7), SCM_RIGHTS).
 Owns one bound socket per process, in a directory that nobody else can enter. An address is a name in it,
drawn at random, so that it never means another process later. Knows no message. Called by the acceptor and
the workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from server import fds

_LIMIT = 160 * 1024
_MAX_FDS = 4

Received = Callable[[bytes, list[int]], None]


class Post:
    """`received(data, descriptors)` owns the descriptors it gets."""

    def __init__(self, directory: Path, received: Received) -> None:
        self._directory = directory
        self._received = received
        self._loop = asyncio.get_running_loop()
        self.address = os.urandom(8).hex()
        self._socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )
        self._socket.bind(str(directory / self.address))
        self._loop.add_reader(self._socket.fileno(), self.drain)

    def drain(self) -> None:
        """Take in everything that is there. Also called to learn what came before something else happened."""
        while self._socket.fileno() >= 0:
            try:
                data, passed, whole = fds.receive(self._socket, _LIMIT, _MAX_FDS)
            except (BlockingIOError, InterruptedError):
                return
            if whole:
                self._received(data, passed)
            else:
                fds.close(passed)

    async def send(self, address: str, data: bytes, passed: Sequence[int] = ()) -> None:
        """Waits while the receiver's queue is full. OSError: there is no such receiver (any more).

        The descriptors stay the caller's. That they were sent does not mean that they were received.
        """
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        ) as sock:
            # Connected, since only then does the kernel tell when the receiver has room again.
            sock.connect(str(self._directory / address))
            while True:
                try:
                    if passed:
                        socket.send_fds(sock, [data], list(passed))
                    else:
                        sock.send(data)
                    return
                except BlockingIOError:
                    await self._writable(sock)

    async def _writable(self, sock: socket.socket) -> None:
        room: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(sock.fileno(), _wake, room)
        try:
            await room
        finally:
            self._loop.remove_writer(sock.fileno())

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self.forget(self.address)

    def forget(self, address: str) -> None:
        """Whoever had it is gone, and may have left its name."""
        with contextlib.suppress(FileNotFoundError):
            (self._directory / address).unlink()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
