"""SET_INFO (MS-SMB2 3.3.5.21): times and attributes, size, rename, deletion.

Owns which information class does what to the file, and which right it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from server.core.errors import StatusError
from server.core.names import parse_path
from server.core.opens import Open
from server.core.request import Reply, Request, Result
from server.core.storage import on_thread
from server.wire.buffers import Buffer
from server.wire.create import Access, Attributes
from server.wire.errors import MalformedError
from server.wire.file_infos import (
    BasicInformation,
    FileClass,
    NumberInformation,
    RenameInformation,
    SizeInformation,
)
from server.wire.filetime import RESUME, UNCHANGED, to_unix_ns
from server.wire.query import InfoType
from server.wire.setinfo import SetInfoRequest, SetInfoResponse
from server.wire.status import NTSTATUS

_KEEP = (0, UNCHANGED, RESUME)
_MAX_SIZE = 2**63 - 1
_DELETE = 1
_BODY = SetInfoResponse().encode()


def set_info(request: Request) -> Result:
    asked = SetInfoRequest.decode(request.body)
    request.charge(len(asked.data), 0)
    opened = request.need_file(asked.file_id)
    if asked.info_type != InfoType.FILE:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, f"InfoType {asked.info_type}")
    if asked.info_class in (FileClass.END_OF_FILE, FileClass.ALLOCATION):
        return _resize(request, asked, opened)
    act = _ACTS.get(asked.info_class)
    if act is None:
        if asked.info_class == FileClass.FULL_EA:
            raise StatusError(NTSTATUS.EAS_NOT_SUPPORTED)
        raise StatusError(NTSTATUS.INVALID_INFO_CLASS, f"file class {asked.info_class}")
    act(request, opened, asked.data)
    return Reply(_BODY)


async def _resize(request: Request, asked: SetInfoRequest, opened: Open) -> Reply:
    """The end of file as told; an allocation below the end of file cuts it (MS-FSA 2.1.5.14.1)."""
    opened.need(Access.WRITE_DATA)
    size = SizeInformation.decode(asked.data).value
    if opened.handle.directory or size > _MAX_SIZE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "size")
    if asked.info_class == FileClass.END_OF_FILE or size < opened.handle.stat().size:
        await on_thread(request, opened.handle.truncate, size)
    return Reply(_BODY)


def _basic(request: Request, opened: Open, data: Buffer) -> None:
    opened.need(Access.WRITE_ATTRIBUTES)
    asked = BasicInformation.decode(data)
    directory = opened.handle.directory
    if asked.attributes & Attributes.DIRECTORY and not directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a file is no directory")
    if asked.attributes:
        opened.handle.set_attributes(asked.attributes & ~Attributes.NORMAL & ~Attributes.DIRECTORY)
    created, accessed, written = (
        None if value in _KEEP else to_unix_ns(value)
        for value in (asked.creation_time, asked.last_access_time, asked.last_write_time)
    )
    if (created, accessed, written) != (None, None, None):
        opened.handle.set_times(created=created, accessed=accessed, written=written)


def _rename(request: Request, opened: Open, data: Buffer) -> None:
    opened.need(Access.DELETE)
    asked = RenameInformation.decode(data)
    volume = opened.tree.share.volume
    if asked.root_directory or not asked.name or volume is None:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "rename")
    target = parse_path(asked.name)
    old = opened.path
    new = volume.rename(opened.handle, old, target, replace=asked.replace)
    # The opens of the same file, and of what lies below a directory, have moved with it.
    for other in request.core.opens.values():
        if other.tree.share is opened.tree.share and other.path[: len(old)] == old:
            other.path = new + other.path[len(old) :]


def _disposition(request: Request, opened: Open, data: Buffer) -> None:
    if not len(data):
        raise MalformedError("FileDispositionInformation")
    _mark(opened, bool(data[0]))


def _disposition_ex(request: Request, opened: Open, data: Buffer) -> None:
    _mark(opened, bool(NumberInformation.decode(data).value & _DELETE))


def _mark(opened: Open, delete: bool) -> None:
    opened.need(Access.DELETE)
    if opened.file is None:
        raise StatusError(NTSTATUS.INVALID_PARAMETER)
    if delete:
        stat = opened.handle.stat()
        if not stat.directory and stat.attributes & Attributes.READONLY:
            raise StatusError(NTSTATUS.CANNOT_DELETE, "a read-only file")
        if not opened.path:
            raise StatusError(NTSTATUS.ACCESS_DENIED, "the root of a share")
        if stat.directory and opened.handle.list():
            raise StatusError(NTSTATUS.DIRECTORY_NOT_EMPTY)
    opened.file.delete_pending = delete


def _position(request: Request, opened: Open, data: Buffer) -> None:
    opened.position = SizeInformation.decode(data).value


def _mode(request: Request, opened: Open, data: Buffer) -> None:
    NumberInformation.decode(data)  # there is no caching here that a mode could change


_ACTS: Mapping[int, Callable[[Request, Open, Buffer], None]] = {
    FileClass.BASIC: _basic,
    FileClass.RENAME: _rename,
    FileClass.DISPOSITION: _disposition,
    FileClass.DISPOSITION_EX: _disposition_ex,
    FileClass.POSITION: _position,
    FileClass.MODE: _mode,
}
