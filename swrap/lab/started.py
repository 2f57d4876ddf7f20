"""A program that was started in a host: asyncio's Process, whose `wait` waits for the process alone.

asyncio's own, up to Python 3.12, also waits until all pipes are closed: for ever, where a daemon that the
program left has inherited one, or nobody reads so much output. Owns that difference. Made by lab.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Sequence
from typing import Any

_LINE = 1 << 20  # bytes of the longest line that a reader of a pipe takes: events may be long
_PIPES_WITHIN = 1.0  # seconds for what is left in the pipes to be taken in


class _Protocol(SubprocessStreamProtocol):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_LINE, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


class Started(Process):
    """As `asyncio.subprocess.Process`."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, protocol: _Protocol, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(transport, protocol, loop)
        self._own_transport = transport
        self._exited = protocol.exited

    async def wait(self) -> int:
        """Wait until it has ended; the exit status, or minus the number of the signal that ended it."""
        await self._exited.wait()
        status = self.returncode
        if status is None:
            raise AssertionError("asyncio says that it exited, and not how")
        return status

    async def finish(self) -> None:
        """Take in what is left in its pipes, now that all who could write there are dead, and close them."""
        try:
            async with asyncio.timeout(_PIPES_WITHIN):
                await super().wait()
        except TimeoutError:
            pass  # nobody has read so much of it that asyncio has stopped reading
        self._own_transport.close()


async def start(argv: Sequence[str], **options: Any) -> Started:
    """Start a program; ``options`` are those of `asyncio.create_subprocess_exec`."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(lambda: _Protocol(loop), *argv, **options)
    return Started(transport, protocol, loop)
