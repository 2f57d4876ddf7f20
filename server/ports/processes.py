"""Processes: who am I, give me a worker, tell me when one is gone.

Called by the acceptor, which wants idle workers, and by whoever waits for an answer from another process.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol


class Child(Protocol):
    """A worker process as its parent sees it."""

    @property
    def pid(self) -> int: ...

    @property
    def lifeline(self) -> socket.socket:
        """Our end of a stream between us. The child gets the other end; each end reads EOF when the other is
        gone.
        """
        ...

    async def wait(self) -> int:
        """The exit status as `os.waitstatus_to_exitcode` gives it: negative for a signal. Any number may
        wait.
        """
        ...

    def end(self, *, force: bool = False) -> None:
        """Ask it to end, or force it to; nothing if it is gone."""
        ...


class Peers(Protocol):
    """What every process of a server knows of itself and the others."""

    def identity(self) -> int:
        """The process id of the caller, as it stands in records, messages and events."""
        ...

    def alive(self, pid: int) -> bool:
        """Whether that process is running. One that has ended and was not collected yet is not."""
        ...

    async def gone(self, pid: int) -> None:
        """Return when that process is gone, at once if it is already."""
        ...


class Processes(Peers, Protocol):
    @property
    def failed(self) -> asyncio.Event:
        """Set when nothing can be spawned any more."""
        ...

    async def spawn(self, role: str, settings: str) -> Child:
        """Start a process in that role; its main function gets the text `settings`. OSError: cannot."""
        ...

    async def close(self) -> None:
        """End every child that is left, and wait for it."""
        ...
