"""The control codes by which smbtorture makes a server misbehave, or wait; served where the configuration says so.

Called by ioctl.
"""

from __future__ import annotations

import asyncio

from server.core.errors import StatusError
from server.core.request import Reply, Request, Result
from server.wire.ioctl import NO_FILE, ControlCode, IoctlRequest, IoctlResponse
from server.wire.status import NTSTATUS

_GAP = 8
_CODES = frozenset(
    {
        ControlCode.SMBTORTURE_FORCE_UNACKED_TIMEOUT,
        ControlCode.SMBTORTURE_IOCTL_RESPONSE_PADDING,
        ControlCode.SMBTORTURE_READ_RESPONSE_PADDING,
        ControlCode.SMBTORTURE_ASYNC_SLEEP,
    }
)


def serves(request: Request, asked: IoctlRequest) -> bool:
    return asked.code in _CODES and request.core.config.torture


def act(request: Request, asked: IoctlRequest) -> Result:
    if asked.code == ControlCode.SMBTORTURE_ASYNC_SLEEP:
        opened = request.need_file(asked.file_id)
        if len(asked.data) != 1:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "how long")
        return _sleep(IoctlResponse(asked.code, opened.file_id, b""), asked.data[0] / 1000)
    if asked.code == ControlCode.SMBTORTURE_IOCTL_RESPONSE_PADDING:
        return Reply(IoctlResponse(asked.code, NO_FILE, bytes([_GAP])).encode(_GAP))
    if asked.code == ControlCode.SMBTORTURE_READ_RESPONSE_PADDING:
        request.connection.read_gap = _GAP
    else:
        request.connection.unacked = True
    return Reply(IoctlResponse(asked.code, NO_FILE, b"").encode())


async def _sleep(response: IoctlResponse, seconds: float) -> Reply:
    """Sleeping is all that is asked for."""
    await asyncio.sleep(seconds)
    return Reply(response.encode())
