"""SET_INFO (MS-SMB2 3.3.5.21): times and attributes, size, rename, deletion.

Owns which information class does what to the file, and which right it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from server.core.commands import extended, protection
from server.core.commands.opening import SETTABLE
from server.core.core import Core
from server.core.errors import StatusError
from server.core.names import is_stream, parse_path, parse_stream, with_stream, without_stream
from server.core.opens import Open, reserve
from server.core.request import Reply, Request, Result
from server.core.respond import pend
from server.core.shared import rules, streams
from server.core.shared.notices import Moved
from server.core.shared.records import FileKey
from server.core.storage import on_thread
from server.ports.files import FilePath
from server.wire.buffers import Buffer
from server.wire.create import Access, Attributes, ShareAccess
from server.wire.errors import MalformedError
from server.wire.file_infos import (
    BasicInformation,
    FileClass,
    NumberInformation,
    RenameInformation,
    SizeInformation,
)
from server.wire.filetime import RESUME, UNCHANGED, to_unix_ns
from server.wire.notify import Filter
from server.wire.query import InfoType
from server.wire.setinfo import SetInfoRequest, SetInfoResponse
from server.wire.status import NTSTATUS

_KEEP = (0, UNCHANGED, RESUME)
_MAX_SIZE = _MAX_TIME = 2**63 - 1
_DELETE = 1
_BODY = SetInfoResponse().encode()


def set_info(request: Request) -> Result:
    asked = SetInfoRequest.decode(request.body)
    request.charge(len(asked.data), 0)
    opened = request.need_file(asked.file_id)
    if asked.info_type == InfoType.SECURITY:
        protection.change(request, opened, asked.additional, asked.data)
        return Reply(_BODY)
    if asked.info_type != InfoType.FILE:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, f"InfoType {asked.info_type}")
    if asked.info_class in (FileClass.END_OF_FILE, FileClass.ALLOCATION):
        return _resize(request, asked, opened)
    slow = _SLOW.get(asked.info_class)
    if slow is not None:
        return slow(request, opened, asked.data)
    act = _ACTS.get(asked.info_class)
    if act is None:
        raise StatusError(NTSTATUS.INVALID_INFO_CLASS, f"file class {asked.info_class}")
    act(request, opened, asked.data)
    return Reply(_BODY)


async def _resize(request: Request, asked: SetInfoRequest, opened: Open) -> Reply:
    """The end of file as told; an allocation below the end of file cuts it (MS-FSA 2.1.5.14.1)."""
    opened.need(Access.WRITE_DATA)
    size = SizeInformation.decode(asked.data).value
    if opened.handle.directory or size > _MAX_SIZE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "size")
    request.core.changing(opened)
    if asked.info_class == FileClass.END_OF_FILE or size < opened.handle.stat().size:
        request.core.watches.modified(opened, Filter.SIZE | Filter.LAST_WRITE)
        await on_thread(request, opened.handle.truncate, size)
    if asked.info_class == FileClass.ALLOCATION:
        await on_thread(request, reserve, opened, size)
    return Reply(_BODY)


def _basic(request: Request, opened: Open, data: Buffer) -> None:
    opened.need(Access.WRITE_ATTRIBUTES)
    asked = BasicInformation.decode(data)
    directory = opened.handle.directory
    times = asked.creation_time, asked.last_access_time, asked.last_write_time, asked.change_time
    if any(value > _MAX_TIME and value not in _KEEP for value in times):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a time that is none")
    if asked.attributes & Attributes.DIRECTORY and not directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a file is no directory")
    if asked.attributes & Attributes.TEMPORARY and directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a temporary directory")
    if asked.attributes:
        sparse = (
            opened.handle.stat().attributes & Attributes.SPARSE_FILE
        )  # which FSCTL_SET_SPARSE alone changes
        opened.handle.set_attributes(asked.attributes & SETTABLE & ~Attributes.NORMAL | sparse)
    created, accessed, written, change = (
        None if value in _KEEP else to_unix_ns(value)
        for value in (asked.creation_time, asked.last_access_time, asked.last_write_time, asked.change_time)
    )
    if (created, accessed, written, change) != (None, None, None, None):
        opened.handle.set_times(created=created, accessed=accessed, written=written, changed=change)
    changed = Filter.ATTRIBUTES if asked.attributes else 0
    for value, bit in (
        (created, Filter.CREATION),
        (accessed, Filter.LAST_ACCESS),
        (written, Filter.LAST_WRITE),
    ):
        if value is not None:
            changed |= bit
    request.core.watches.modified(opened, changed)


def _rename(request: Request, opened: Open, data: Buffer) -> Result:
    opened.need(Access.DELETE)
    asked = RenameInformation.decode(data)
    share, volume = opened.tree.share, opened.tree.share.volume
    if asked.root_directory or not asked.name or volume is None:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "rename")
    target = _target(opened, asked.name)
    if streams.any_open(request.core.table, opened.key):
        raise StatusError(NTSTATUS.ACCESS_DENIED, "one of its streams is open")

    def below() -> list[FileKey]:
        if not opened.handle.directory:
            return []
        return [key for key, _ in request.core.table.opens_below(share.config.name, opened.path)]

    def act() -> Reply:
        if below():
            raise StatusError(NTSTATUS.ACCESS_DENIED, "something below it is open")
        if target[:-1] != opened.path[:-1] or request.need_session().anonymous:
            protection.need_entry(volume, request.need_session(), target, opened.handle.directory)
        _move(request.core, opened, target, replace=asked.replace)
        return Reply(_BODY)

    return _once_free(request, opened, lambda: [opened.key, *below()], act)


def _target(opened: Open, name: str) -> FilePath:
    if opened.base is None:
        target = parse_path(name)
        if is_stream(target):
            raise StatusError(NTSTATUS.NOT_SUPPORTED, "a file does not become a stream")
        return target
    stream = parse_stream(name)
    if not stream:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "a stream does not become the file's data")
    return with_stream(without_stream(opened.path), stream)


def _move(core: Core, opened: Open, target: FilePath, *, replace: bool) -> None:
    share, volume, old = opened.tree.share.config.name, opened.tree.share.volume, opened.path
    if volume is None:
        return
    parent, _ = volume.stat(old[:-1])
    above = core.table.look((parent.device, parent.inode))
    if opened.base is None and rules.violators(
        above, Access.WRITE_DATA, ShareAccess.READ | ShareAccess.WRITE
    ):
        raise StatusError(NTSTATUS.SHARING_VIOLATION, "its directory is held fast")
    new = volume.rename(opened.handle, old, target, replace=replace)
    for record in core.table.moved(opened.key, share, new):
        core.couriers.tell(record.owner, Moved(opened.key, share, new))
    opened.path = new
    core.watches.renamed(opened, old, new)


def _once_free(
    request: Request, opened: Open, keys: Callable[[], list[FileKey]], act: Callable[[], Reply]
) -> Result:
    """Act when nobody else keeps those files open only because a lease allows it."""
    event = _handles_go(request, opened, keys())
    return act() if event is None else _act_later(request, opened, keys, act, event)


async def _act_later(
    request: Request,
    opened: Open,
    keys: Callable[[], list[FileKey]],
    act: Callable[[], Reply],
    event: asyncio.Future[None] | None,
) -> Reply:
    pend(request)
    while event is not None:
        await request.wait(event)
        event = _handles_go(request, opened, keys())
    return act()


def _handles_go(request: Request, opened: Open, keys: list[FileKey]) -> asyncio.Future[None] | None:
    """Ask for it. What to wait for, if it takes a wait."""
    event = None
    for key in keys:
        outcome = request.core.table.wanting(key, lambda file: rules.breaks_of_handles(file, opened.holder))
        request.core.spread(key, outcome)
        if outcome.waiting and event is None:
            event = request.core.waiting.event(key)
    return event


def _disposition(request: Request, opened: Open, data: Buffer) -> Result:
    if not len(data):
        raise MalformedError("FileDispositionInformation")
    return _mark(request, opened, bool(data[0]))


def _disposition_ex(request: Request, opened: Open, data: Buffer) -> Result:
    return _mark(request, opened, bool(NumberInformation.decode(data).value & _DELETE))


def _mark(request: Request, opened: Open, delete: bool) -> Result:
    opened.need(Access.DELETE)
    if delete:
        stat = opened.handle.stat()
        if not stat.directory and stat.attributes & Attributes.READONLY:
            raise StatusError(NTSTATUS.CANNOT_DELETE, "a read-only file")
        if not opened.path:
            raise StatusError(NTSTATUS.ACCESS_DENIED, "the root of a share")
        if stat.directory and opened.handle.list():
            raise StatusError(NTSTATUS.DIRECTORY_NOT_EMPTY)

    def act() -> Reply:
        request.core.table.doom(opened.key, delete)
        if delete:
            request.core.doomed(opened.key)
        return Reply(_BODY)

    return _once_free(request, opened, lambda: [opened.key] if delete else [], act)


def _position(request: Request, opened: Open, data: Buffer) -> None:
    opened.position = SizeInformation.decode(data).value


def _mode(request: Request, opened: Open, data: Buffer) -> None:
    NumberInformation.decode(data)  # there is no caching here that a mode could change


_ACTS: Mapping[int, Callable[[Request, Open, Buffer], None]] = {
    FileClass.BASIC: _basic,
    FileClass.FULL_EA: extended.change,
    FileClass.POSITION: _position,
    FileClass.MODE: _mode,
}

_SLOW: Mapping[int, Callable[[Request, Open, Buffer], Result]] = {
    FileClass.RENAME: _rename,
    FileClass.DISPOSITION: _disposition,
    FileClass.DISPOSITION_EX: _disposition_ex,
}
