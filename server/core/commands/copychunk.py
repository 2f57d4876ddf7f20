"""Server-side copy: FSCTL_SRV_REQUEST_RESUME_KEY, FSCTL_SRV_COPYCHUNK and _WRITE (MS-SMB2 3.3.5.15.5, .6).

Owns the limits, the rights and the order of the checks. Called by ioctl.
"""

from __future__ import annotations

from server.core.commands.readwrite import pass_locks
from server.core.errors import StatusError
from server.core.opens import FILE_ID, Open
from server.core.request import Reply, Request
from server.core.storage import on_thread
from server.ports.files import Handle
from server.wire.copychunk import (
    RESPONSE_SIZE,
    RESUME_KEY_SIZE,
    Chunk,
    CopyRequest,
    CopyResponse,
    encode_resume_key,
)
from server.wire.create import Access
from server.wire.ioctl import ControlCode, IoctlRequest, IoctlResponse
from server.wire.notify import Filter
from server.wire.status import NTSTATUS

_MOST = CopyResponse(chunks=256, partial=1024 * 1024, total=16 * 1024 * 1024)
"""Chunks, bytes of one, bytes of all: as Windows has them."""

_MAX_OFFSET = 2**63 - 1
_WRITES = Access.WRITE_DATA | Access.APPEND_DATA


def resume_key(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """A name for the open within its session: its FileId."""
    output = encode_resume_key(opened.file_id.ljust(RESUME_KEY_SIZE, b"\0"))
    if asked.max_output < len(output):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "no room for a resume key")
    return Reply(IoctlResponse(asked.code, opened.file_id, output).encode())


async def copy(request: Request, asked: IoctlRequest, target: Open) -> Reply:
    if asked.max_output < RESPONSE_SIZE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "no room for the answer")
    if CopyRequest.count(asked.data) > _MOST.chunks:
        return _reply(asked, target, _MOST, NTSTATUS.INVALID_PARAMETER)
    wanted = CopyRequest.decode(asked.data)
    lengths = [chunk.length for chunk in wanted.chunks]
    if not all(0 < length <= _MOST.partial for length in lengths) or sum(lengths) > _MOST.total:
        return _reply(asked, target, _MOST, NTSTATUS.INVALID_PARAMETER)
    source = _source(request, wanted.key)
    _check_rights(asked, source, target)
    source.enter(request)
    try:
        request.core.changing(target)
        request.core.watches.modified(target, Filter.SIZE | Filter.LAST_WRITE)
        return await _copy(request, asked, wanted, source, target)
    finally:
        source.leave(request)


async def _copy(
    request: Request, asked: IoctlRequest, wanted: CopyRequest, source: Open, target: Open
) -> Reply:
    """One chunk after the other; a failure leaves those before it, and says so."""
    chunks = total = 0
    status = NTSTATUS.SUCCESS
    for chunk in wanted.chunks:
        try:
            _check_ranges(request, source, target, chunk)
            await on_thread(request, _copy_one, source.handle, target.handle, chunk)
        except StatusError as error:
            status = error.status
            break
        chunks, total = chunks + 1, total + chunk.length
    return _reply(asked, target, CopyResponse(chunks, 0, total), status)


def _check_ranges(request: Request, source: Open, target: Open, chunk: Chunk) -> None:
    if max(chunk.source, chunk.target) + chunk.length > _MAX_OFFSET:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "beyond the largest file")
    if chunk.source + chunk.length > source.handle.stat().size:
        raise StatusError(NTSTATUS.INVALID_VIEW_SIZE, "beyond the end of the source")
    pass_locks(request, source, chunk.source, chunk.length, writing=False)
    pass_locks(request, target, chunk.target, chunk.length, writing=True)


def _copy_one(source: Handle, target: Handle, chunk: Chunk) -> None:
    buffer = bytearray(chunk.length)
    with memoryview(buffer) as view:
        if source.read_into(view, chunk.source) < chunk.length:
            raise StatusError(NTSTATUS.INVALID_VIEW_SIZE, "the source has been cut meanwhile")
        target.write(view, chunk.target)


def _source(request: Request, key: bytes) -> Open:
    """The open of this session that the key is of."""
    persistent, volatile = FILE_ID.unpack(key[:16])
    found = request.need_session().opens.get(volatile)
    if found is None or found.persistent != persistent or any(key[16:]):
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no such resume key")
    return found


def _check_rights(asked: IoctlRequest, source: Open, target: Open) -> None:
    if source.handle.directory or target.handle.directory:
        raise StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, "a directory")
    source.need(Access.READ_DATA | Access.EXECUTE)
    target.need(_WRITES)
    if asked.code == ControlCode.SRV_COPYCHUNK:
        target.need(Access.READ_DATA)


def _reply(asked: IoctlRequest, target: Open, response: CopyResponse, status: NTSTATUS) -> Reply:
    """These are the bodies that go with an error, too (MS-SMB2 3.3.4.4)."""
    return Reply(IoctlResponse(asked.code, target.file_id, response.encode()).encode(), status)
