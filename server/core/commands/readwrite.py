"""READ, WRITE and FLUSH (MS-SMB2 3.3.5.11 to 3.3.5.13).
 Owns when storage is touched on the loop and when on a thread: reads that are cached and small writes
at once, everything else off it. Payloads go between socket buffer and file without a copy.
"""

from __future__ import annotations

from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import ROOM, Reply, Request, Result
from server.core.shared import ranges, rules
from server.core.shared.ranges import Lock
from server.core.shared.records import FileRecord
from server.core.storage import on_thread
from server.wire.create import Access
from server.wire.notify import Filter
from server.wire.readwrite import (
    FLUSH_RESPONSE,
    READ_RESPONSE_HEAD,
    WRITE_FLAG_WRITE_THROUGH,
    FlushRequest,
    ReadRequest,
    WriteRequest,
    WriteResponse,
    read_response_head,
)
from server.wire.status import NTSTATUS

_HEAD = ROOM + READ_RESPONSE_HEAD
_MAX_OFFSET = 2**63 - 1
_MAX_SIZE = 2**44 - 2**16
"""Bytes that NTFS lets a file have; clients know no larger ones."""


def read(request: Request) -> Result:
    asked = ReadRequest.decode(request.body)
    request.charge(0, asked.length)
    opened = _data_file(request, asked.file_id, asked.offset, asked.length)
    opened.need(Access.READ_DATA | Access.EXECUTE)
    pass_locks(request, opened, asked.offset, asked.length, writing=False)
    buffer = bytearray(_HEAD + asked.length)
    if asked.length <= request.core.config.limits.inline_reads:
        with memoryview(buffer)[_HEAD:] as view:
            count = opened.handle.read_cached(view, asked.offset)
        if count is not None:
            return _read_reply(request, asked, opened, buffer, count)
    return _read_slowly(request, asked, opened, buffer)


async def _read_slowly(request: Request, asked: ReadRequest, opened: Open, buffer: bytearray) -> Reply:
    with memoryview(buffer)[_HEAD:] as view:
        count = await on_thread(request, opened.handle.read_into, view, asked.offset)
    return _read_reply(request, asked, opened, buffer, count)


def _read_reply(request: Request, asked: ReadRequest, opened: Open, buffer: bytearray, count: int) -> Reply:
    if count < asked.minimum or (count == 0 and asked.length):
        raise StatusError(NTSTATUS.END_OF_FILE)
    opened.position = asked.offset + count
    del buffer[_HEAD + count :]
    buffer[ROOM:_HEAD] = read_response_head(count, gap=request.connection.read_gap)
    if not count:
        buffer += b"\0"  # StructureSize 17 counts one byte of buffer
    return Reply(buffer, room=True)


def write(request: Request) -> Result:
    asked = WriteRequest.decode(request.body)
    request.charge(len(asked.data), 0)
    opened = _data_file(request, asked.file_id, asked.offset, len(asked.data))
    opened.need(Access.WRITE_DATA | Access.APPEND_DATA)
    if asked.data and asked.offset >= _MAX_SIZE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "beyond the largest file")
    if asked.data and asked.offset + len(asked.data) >= _MAX_SIZE:
        raise StatusError(NTSTATUS.DISK_FULL, "the largest file")
    file = pass_locks(request, opened, asked.offset, len(asked.data), writing=True)
    if not asked.data:
        return Reply(WriteResponse(0).encode())  # no byte changes, so nobody need know
    if rules.breaks_of_change(file, opened.holder):
        request.core.changing(opened)
    request.core.watches.modified(opened, Filter.SIZE | Filter.LAST_WRITE)
    through = bool(asked.flags & WRITE_FLAG_WRITE_THROUGH)
    if len(asked.data) > request.core.config.limits.inline_io or through:
        return _write_slowly(request, asked, opened, through)
    return Reply(WriteResponse(_write(asked, opened, through=False)).encode())


async def _write_slowly(request: Request, asked: WriteRequest, opened: Open, through: bool) -> Reply:
    return Reply(WriteResponse(await on_thread(request, _write, asked, opened, through=through)).encode())


def _write(asked: WriteRequest, opened: Open, *, through: bool) -> int:
    count = opened.handle.write(memoryview(asked.data), asked.offset)
    if through:
        opened.handle.flush()
    return count


def flush(request: Request) -> Result:
    asked = FlushRequest.decode(request.body)
    opened = request.need_file(asked.file_id)
    opened.need(Access.WRITE_DATA | Access.APPEND_DATA)
    return _flush(request, opened)


async def _flush(request: Request, opened: Open) -> Reply:
    await on_thread(request, opened.handle.flush)
    return Reply(FLUSH_RESPONSE)


def pass_locks(request: Request, opened: Open, offset: int, length: int, *, writing: bool) -> FileRecord:
    """The file's record as of now. StatusError FILE_LOCK_CONFLICT (MS-FSA 2.1.4.10)."""
    file, locks = request.core.table.glance(opened.key)
    if locks and ranges.forbids(locks, Lock(opened.persistent, offset, length, writing)):
        raise StatusError(NTSTATUS.FILE_LOCK_CONFLICT)
    return file


def _data_file(request: Request, file_id: bytes, offset: int, length: int) -> Open:
    """The open, if it has a data stream and the range can exist."""
    opened = request.need_file(file_id)
    if opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, "a directory")
    if length > request.core.config.limits.max_io or offset + length > _MAX_OFFSET:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "offset or length")
    return opened
