"""Calls that block: while one process is in such a call, all others go on.

Owns the waiting. One process at a time can do that: when another that runs meanwhile blocks as well, that is a gap,
since neither could go on before the other. A fake process that is to wait among others is an asyncio program.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from swrap.fake.kernel import options
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.tcp import ERR, HUP, IN

if TYPE_CHECKING:
    from swrap.fake.process import Process


def wait(process: Process, file: Any, mask: int, timeout: float | None) -> None:
    """Return when ``file`` is ready for ``mask``.

    Raises TimeoutError after so many seconds, EAGAIN where the socket's own time-out is over first, and Deadlock.
    """
    own = options.patience(file, socket.SO_RCVTIMEO if mask == IN else socket.SO_SNDTIMEO)
    limit = own if timeout is None else timeout
    if not until(process, lambda: bool(file.poll() & (mask | ERR | HUP)), limit):
        if timeout is None:
            fail(errno.EAGAIN)
        raise TimeoutError("timed out")


def until(process: Process, ready: Callable[[], bool], timeout: float | None) -> bool:
    """Wait until it is so, or for so many seconds; which of them it was. Raises Deadlock, NotImplementedError."""
    if ready():
        return True
    scheduler = process.world.scheduler
    if process.host is None:
        raise NotImplementedError("the harness must not block: all others run because it awaits")
    if scheduler.blocked is not None:
        raise NotImplementedError(
            f"{process.name} makes a call that blocks while {scheduler.blocked.name} is in one; "
            "asyncio's loop.sock_* do not"
        )
    return scheduler.block(process, ready, None if timeout is None else scheduler.clock.now + timeout)
