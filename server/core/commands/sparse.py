"""Sparse files: what is allocated, what is given back, and what says so (MS-FSCC 2.3; MS-FSA 2.1.5.9).

FSCTL_SET_SPARSE, FSCTL_QUERY_ALLOCATED_RANGES, FSCTL_SET_ZERO_DATA, FSCTL_FILE_LEVEL_TRIM, and that there is no
compression. Called by ioctl.
"""

from __future__ import annotations

from server.core.commands.readwrite import pass_locks
from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import Reply, Request
from server.core.storage import on_thread
from server.wire.buffers import Buffer
from server.wire.create import Access, Attributes
from server.wire.ioctl import IoctlRequest, IoctlResponse
from server.wire.notify import Filter
from server.wire.sparse import (
    RANGE_SIZE,
    Range,
    decode_range,
    decode_trim,
    decode_zero_data,
    encode_ranges,
)
from server.wire.status import NTSTATUS

_MAX_OFFSET = 2**63 - 1
_WRITES = Access.WRITE_DATA | Access.APPEND_DATA
_MOST_TRIMS = 256
_NO_COMPRESSION = bytes(2)


def set_sparse(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """No buffer at all means that it shall be sparse."""
    opened.need(_WRITES | Access.WRITE_ATTRIBUTES)
    if opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory")
    kept = opened.handle.stat().attributes & ~Attributes.SPARSE_FILE
    sparse = not len(asked.data) or bool(asked.data[0])
    opened.handle.set_attributes(kept | (Attributes.SPARSE_FILE if sparse else 0))
    request.core.watches.modified(opened, Filter.ATTRIBUTES)
    return _done(asked, opened)


async def query_ranges(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """All of a file that is not sparse is allocated, whatever holes it has."""
    opened.need(Access.READ_DATA)
    _need_data(opened)
    offset, length = decode_range(asked.data)
    if offset + length > _MAX_OFFSET:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a range that no file has")
    stat = opened.handle.stat()
    end = min(offset + length, stat.size)
    found: list[Range] = [(offset, end - offset)] if offset < end else []
    if found and stat.attributes & Attributes.SPARSE_FILE:
        found = await on_thread(request, opened.handle.allocated, offset, end - offset)
    room = asked.max_output // RANGE_SIZE
    if found and not room:
        raise StatusError(NTSTATUS.BUFFER_TOO_SMALL)
    status = NTSTATUS.BUFFER_OVERFLOW if len(found) > room else NTSTATUS.SUCCESS
    return Reply(IoctlResponse(asked.code, opened.file_id, encode_ranges(found[:room])).encode(), status)


async def zero_data(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """Zeros within the file, and its blocks given back where it is sparse."""
    opened.need(Access.WRITE_DATA)
    _need_data(opened)
    await _zero(request, opened, *decode_zero_data(asked.data))
    return _done(asked, opened)


async def trim(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """What is in those ranges does not matter any more: here they become holes."""
    opened.need(Access.WRITE_DATA)
    _need_data(opened)
    wanted = decode_trim(asked.data)
    if len(wanted) > _MOST_TRIMS:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "too many ranges")
    for offset, length in wanted:
        await _zero(request, opened, offset, length)
    return Reply(IoctlResponse(asked.code, opened.file_id, len(wanted).to_bytes(4, "little")).encode())


async def _zero(request: Request, opened: Open, offset: int, length: int) -> None:
    if offset + length > _MAX_OFFSET:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a range that no file has")
    pass_locks(request, opened, offset, length, writing=True)
    stat = opened.handle.stat()
    length = min(length, stat.size - offset)
    if length <= 0:
        return
    request.core.changing(opened)
    request.core.watches.modified(opened, Filter.LAST_WRITE)
    punch = bool(stat.attributes & Attributes.SPARSE_FILE)
    await on_thread(request, opened.handle.zero, offset, length, punch=punch)


def get_compression(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    if asked.max_output < len(_NO_COMPRESSION):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "no room for a format")
    return Reply(IoctlResponse(asked.code, opened.file_id, _NO_COMPRESSION).encode())


def set_compression(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    opened.need(_WRITES)
    if len(asked.data) < len(_NO_COMPRESSION):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "no format")
    if _format(asked.data):
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "compression")
    return _done(asked, opened)


def _format(data: Buffer) -> int:
    return int.from_bytes(data[:2], "little")


def _need_data(opened: Open) -> None:
    if opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory")


def _done(asked: IoctlRequest, opened: Open) -> Reply:
    return Reply(IoctlResponse(asked.code, opened.file_id, b"").encode())
