"""Calls that would block.

A fake process is an asyncio program: while it waits, its loop does not, and nobody else would have a turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swrap.fake.process import Process


def wait(process: Process, file: Any, mask: int, timeout: float | None) -> None:
    """Return when ``file`` is ready for ``mask``. Raises TimeoutError, and NotImplementedError where it must not."""
    if file.poll() & mask:
        return
    raise NotImplementedError(
        f"{process.name} makes a call that blocks, on a fake network; asyncio's loop.sock_* do not"
    )
