"""Processes by fork, from a process that never ran a loop.
 Implements `server.ports.processes.Processes`. `PosixProcesses.launch` has to be called before any loop or
thread exists; what it forks then is the zygote.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.posix.zygote import PACKET, Main, Zygote
from server.wire.buffers import Buffer

_UNKNOWN_STATUS = 255
"""Of a child that ended after the zygote had."""


class PosixChild:
    def __init__(self, pid: int, lifeline: socket.socket) -> None:
        self._pid = pid
        self._lifeline = lifeline
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def lifeline(self) -> socket.socket:
        return self._lifeline

    async def wait(self) -> int:
        return await asyncio.shield(self._status)

    def end(self, *, force: bool = False) -> None:
        if self._status.done():
            return
        try:
            os.kill(self._pid, signal.SIGKILL if force else signal.SIGTERM)
        except ProcessLookupError:
            return

    def exited(self, status: int) -> None:
        if not self._status.done():
            self._status.set_result(status)


class PosixPeers:
    """Implements `server.ports.processes.Peers`: what a worker needs to know."""

    def identity(self) -> int:
        return os.getpid()

    def alive(self, pid: int) -> bool:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            return not _readable(pidfd)
        finally:
            os.close(pidfd)

    async def gone(self, pid: int) -> None:
        await process_gone(pid)


class PosixProcesses(PosixPeers):
    """The parent's end of the zygote. `failed`: the zygote is gone."""

    def __init__(self, control: socket.socket, zygote: int) -> None:
        self._control = control
        self._zygote = zygote
        self._loop: asyncio.AbstractEventLoop | None = None
        self._spawning: dict[int, asyncio.Future[int]] = {}
        self._children: dict[int, PosixChild] = {}
        self._early: dict[int, int] = {}
        """Exits of children that were reported before `spawn` had returned them."""
        self._last = 0
        self._watching: set[asyncio.Task[None]] = set()
        self.failed = asyncio.Event()

    @classmethod
    def launch(cls, mains: Mapping[str, Main], scratch: Path, private: Sequence[int] = ()) -> PosixProcesses:
        """Fork the zygote. `mains`: a function for each role; `scratch` is removed when all is over;
        descriptors in
        `private` stay the caller's alone.

        RuntimeError: this process has threads already, and a fork would copy their locks.
        """
        if threading.active_count() != 1:
            raise RuntimeError("processes have to be launched before there are threads")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            status = 1
            try:
                for fd in private:
                    os.close(fd)
                Zygote(theirs, mains, scratch).run()
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        ours.setblocking(False)
        return cls(ours, pid)

    async def spawn(self, role: str, settings: str) -> PosixChild:
        self._attach()
        ours, theirs = socket.socketpair()
        self._last += 1
        number = self._last
        message = json.dumps({"spawn": role, "id": number, "settings": settings}).encode()
        answer = self._spawning[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(message, theirs.fileno())
            pid = await answer
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            self._spawning.pop(number, None)
        child = PosixChild(pid, ours)
        if pid in self._early:
            child.exited(self._early.pop(pid))
        else:
            self._children[pid] = child
        return child

    async def close(self) -> None:
        """EOF makes the zygote end its children, and then itself."""
        if self._loop is not None:
            self._loop.remove_reader(self._control.fileno())
            self._loop = None
        self._control.close()
        await process_gone(self._zygote)
        self.reap()

    def reap(self) -> None:
        """Collect the zygote, which must have ended or be ending: for a parent that has no loop any more."""
        self._control.close()
        try:
            os.waitpid(self._zygote, 0)
        except ChildProcessError:
            return

    def _attach(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._control.fileno(), self._readable)

    async def _send(self, message: Buffer, fd: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                socket.send_fds(self._control, [message], [fd])
                return
            except BlockingIOError:
                writable: asyncio.Future[None] = loop.create_future()
                loop.add_writer(self._control.fileno(), _wake, writable)
                try:
                    await writable
                finally:
                    loop.remove_writer(self._control.fileno())

    def _readable(self) -> None:
        try:
            raw = self._control.recv(PACKET)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            raw = b""
        if raw:
            self._told(json.loads(raw))
            return
        if self._loop is not None:
            self._loop.remove_reader(self._control.fileno())
        for waiting in self._spawning.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the process that forks workers is gone"))
        for child in self._children.values():
            self._watching.add(asyncio.create_task(self._outlive(child)))
        self.failed.set()

    async def _outlive(self, child: PosixChild) -> None:
        """Whoever could have told the status is gone: the end itself can still be seen."""
        await process_gone(child.pid)
        child.exited(_UNKNOWN_STATUS)

    def _told(self, message: Mapping[str, Any]) -> None:
        if "exit" in message:
            child = self._children.pop(message["exit"], None)
            if child is None:
                self._early[message["exit"]] = message["status"]
            else:
                child.exited(message["status"])
            return
        waiting = self._spawning.get(message["id"])
        if waiting is None or waiting.done():
            return
        if "pid" in message:
            waiting.set_result(message["pid"])
        else:
            waiting.set_exception(OSError(message["error"], os.strerror(message["error"])))


async def process_gone(pid: int) -> None:
    """Return when that process has ended (it may still be a zombie)."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(pidfd, _wake, ended)
    try:
        await ended
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _readable(fd: int) -> bool:
    """By poll(2): select(2) takes no descriptor above 1023."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
