"""CLOSE (MS-SMB2 3.3.5.10): the end of a FileId, and if asked for, a last look at the file."""

from __future__ import annotations

from server.core import stats
from server.core.request import Reply, Request
from server.wire.readwrite import CLOSE_FLAG_POSTQUERY_ATTRIB, CloseRequest, CloseResponse

_CLOSED = CloseResponse().encode()


def close(request: Request) -> Reply:
    asked = CloseRequest.decode(request.body)
    opened = request.need_file(asked.file_id)
    body = _CLOSED
    if asked.flags & CLOSE_FLAG_POSTQUERY_ATTRIB:
        stat = opened.handle.stat()
        body = CloseResponse(
            CLOSE_FLAG_POSTQUERY_ATTRIB,
            *stats.times(stat),
            stats.allocation(stat, opened.reserved),
            stat.size,
            stats.attributes(stat),
        ).encode()
    request.core.close_open(opened)
    return Reply(body)
