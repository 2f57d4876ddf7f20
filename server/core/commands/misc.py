"""ECHO and CANCEL (MS-SMB2 3.3.5.16, 3.3.5.17)."""

from __future__ import annotations

from server.core.request import Reply, Request
from server.wire.misc import EMPTY_BODY, Empty


def echo(request: Request) -> Reply:
    Empty.decode(request.body)
    return Reply(EMPTY_BODY)


def cancel(request: Request) -> None:
    """Drop the request of that AsyncId or MessageId on this connection, if its work has not begun. Never answered."""
    header, requests = request.header, request.connection.requests
    if header.async_id is None:
        target = requests.get(header.message_id)
    else:
        target = next((one for one in requests.values() if one.async_id == header.async_id), None)
    if target is not None:
        target.drop()
