"""CHANGE_NOTIFY (MS-SMB2 3.3.5.19): the changes below a directory, now or when there are some."""

from __future__ import annotations

import asyncio

from server.core.errors import StatusError
from server.core.notify import Watch
from server.core.request import Reply, Request, Result
from server.core.respond import pend
from server.wire.create import Access
from server.wire.notify import WATCH_TREE, ChangeNotifyRequest
from server.wire.query import QueryResponse
from server.wire.status import NTSTATUS


def change_notify(request: Request) -> Result:
    asked = ChangeNotifyRequest.decode(request.body)
    request.charge(0, asked.output_length)
    opened = request.need_file(asked.file_id)
    if asked.output_length > request.core.config.limits.max_io:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "output length")
    if not opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "not a directory")
    opened.need(Access.READ_DATA)
    watch = opened.watch
    if watch is None:
        tree = bool(asked.flags & WATCH_TREE)
        watch = Watch(asked.filter, tree, asked.output_length)
        request.core.watches.add(opened, watch)
    if watch.eventful and not watch.askers:
        return _answer(watch, asked.output_length)
    return _wait(request, watch, asked.output_length)


async def _wait(request: Request, watch: Watch, room: int) -> Reply:
    pend(request)
    while True:
        asker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch.askers.append(asker)
        try:
            await request.wait(asker)
        finally:
            if asker in watch.askers:
                watch.askers.remove(asker)
        if watch.eventful:
            return _answer(watch, room)


def _answer(watch: Watch, room: int) -> Reply:
    data = watch.take(room)
    if data is None:
        return Reply(QueryResponse(b"").encode(), NTSTATUS.NOTIFY_ENUM_DIR)
    return Reply(QueryResponse(data).encode())
