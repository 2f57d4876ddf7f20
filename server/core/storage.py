"""Storage work that may wait for a device, off the loop.
 Owns the one rule of it: a request that nobody waits for any more does not begin its work, but what has begun
is waited for to its end, so that the fence's counts tell the truth (MS-SMB2 3.3.5.2.10). Called by the
commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from server.core.errors import StatusError
from server.core.request import Request
from server.wire.status import NTSTATUS

P = ParamSpec("P")
T = TypeVar("T")


async def on_thread(request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work(...)` on the loop's executor. StatusError CANCELLED: dropped before it began."""

    def unless_dropped() -> T:
        if request.dropped:
            raise StatusError(NTSTATUS.CANCELLED)
        return work(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(None, unless_dropped)
