"""CREATE and CLOSE (MS-SMB2 3.3.5.9, 3.3.5.10; MS-FSA 2.1.5.1).
 Owns the meaning of dispositions, options and rights. What a path may look like is in `server.core.names`;
who may share a file with whom in `server.core.objects`.
"""

from __future__ import annotations

from server.core import stats
from server.core.errors import StatusError
from server.core.fence import Fence
from server.core.names import parse_path
from server.core.opens import Open
from server.core.request import Reply, Request
from server.ports.files import FilePath, FileStat, Handle, Make, Volume
from server.wire import create_contexts as contexts
from server.wire.create import (
    FILE_ALL_ACCESS,
    FILE_GENERIC_EXECUTE,
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    Access,
    Attributes,
    CreateAction,
    CreateOptions,
    CreateRequest,
    CreateResponse,
    Disposition,
)
from server.wire.readwrite import CLOSE_FLAG_POSTQUERY_ATTRIB, CloseRequest, CloseResponse
from server.wire.status import NTSTATUS

_GENERIC = (
    (Access.GENERIC_READ, FILE_GENERIC_READ),
    (Access.GENERIC_WRITE, FILE_GENERIC_WRITE),
    (Access.GENERIC_EXECUTE, FILE_GENERIC_EXECUTE),
    (Access.GENERIC_ALL, FILE_ALL_ACCESS),
)
_KNOWN_ACCESS = FILE_ALL_ACCESS | Access.SYSTEM_SECURITY | Access.MAXIMUM_ALLOWED | 0xF000_0000
_WRITES = Access.WRITE_DATA | Access.APPEND_DATA
_REPLACING = (Disposition.SUPERSEDE, Disposition.OVERWRITE, Disposition.OVERWRITE_IF)
_MAKE = {
    Disposition.SUPERSEDE: Make.IF_MISSING,
    Disposition.OPEN: Make.NO,
    Disposition.CREATE: Make.MUST,
    Disposition.OPEN_IF: Make.IF_MISSING,
    Disposition.OVERWRITE: Make.NO,
    Disposition.OVERWRITE_IF: Make.IF_MISSING,
}
_SETTABLE = 0x31A7
_ATTRIBUTES = 0x7FFF_FFFF & ~Attributes.DIRECTORY


def create(request: Request) -> Reply:
    session, tree = request.need_session(), request.need_tree()
    asked = CreateRequest.decode(request.body)
    _check(asked)
    volume = tree.share.volume
    if volume is None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no named pipe here")
    persistent, volatile = request.core.new_file_ids()
    access = _specific(asked.desired_access)
    handle_writes = bool(access & (_WRITES | Access.MAXIMUM_ALLOWED)) or asked.disposition in _REPLACING
    directory = bool(asked.options & CreateOptions.DIRECTORY_FILE)
    handle, path, made = _open(volume, asked, handle_writes, directory)
    try:
        stat = handle.stat()
        opened = Open(
            persistent=persistent,
            volatile=volatile,
            session=session,
            tree=tree,
            handle=handle,
            path=path,
            access=_granted(access, stat),
            share_access=asked.share_access,
            options=asked.options,
            client_guid=request.connection.client_guid,
            fence=Fence(request.header.channel_sequence),
            delete_on_close=bool(asked.options & CreateOptions.DELETE_ON_CLOSE),
        )
        action = CreateAction.CREATED
        if not made:
            action = _admit_existing(request, asked, opened, stat)
        elif not directory and asked.attributes & _SETTABLE:
            handle.set_attributes(asked.attributes & _SETTABLE | Attributes.ARCHIVE)
        stat = handle.stat()
    except BaseException:
        if made:
            volume.remove(handle, path)
        handle.close()
        raise
    opened.file = request.core.objects.add((stat.device, stat.inode), opened)
    session.opens[volatile] = opened
    request.core.opens[volatile] = opened
    request.chain.file_id = opened.file_id
    request.chain.create_error = None
    return Reply(_response(request, asked, opened, stat, action).encode())


def _check(asked: CreateRequest) -> None:
    """What is wrong whatever the file may be."""
    directory = asked.options & CreateOptions.DIRECTORY_FILE
    if asked.impersonation > 3:
        raise StatusError(NTSTATUS.BAD_IMPERSONATION_LEVEL)
    if asked.disposition > Disposition.OVERWRITE_IF or asked.share_access > 7:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "disposition or share access")
    if asked.attributes & ~(_ATTRIBUTES | Attributes.DIRECTORY):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "attributes")
    if directory and asked.options & CreateOptions.NON_DIRECTORY_FILE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory and none")
    if directory and asked.disposition in _REPLACING:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory is never overwritten")
    if asked.options & CreateOptions.OPEN_BY_FILE_ID:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "open by file id")
    if not asked.desired_access or asked.desired_access & ~_KNOWN_ACCESS:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "access mask")
    if asked.options & CreateOptions.DELETE_ON_CLOSE and not asked.desired_access & (
        Access.DELETE | Access.GENERIC_ALL | Access.MAXIMUM_ALLOWED
    ):
        raise StatusError(NTSTATUS.ACCESS_DENIED, "delete on close without the right to delete")
    if contexts.find(asked.contexts, contexts.TIMEWARP) is not None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no snapshots")
    if contexts.find(asked.contexts, contexts.EXTENDED_ATTRIBUTES):
        raise StatusError(NTSTATUS.EAS_NOT_SUPPORTED)


def _specific(access: int) -> int:
    """The mask with its generic bits spelt out."""
    for generic, specific in _GENERIC:
        if access & generic:
            access = (access & ~generic) | specific
    return access


def _open(
    volume: Volume, asked: CreateRequest, write: bool, directory: bool
) -> tuple[Handle, FilePath, bool]:
    path = parse_path(asked.name)
    make = _MAKE[Disposition(asked.disposition)]
    try:
        return volume.open(path, write=write, make=make, directory=directory)
    except PermissionError:
        if not asked.desired_access & Access.MAXIMUM_ALLOWED or not write:
            raise
        return volume.open(path, write=False, make=make, directory=directory)


def _granted(access: int, stat: FileStat) -> int:
    """There are no ACLs here: what was asked for, all of it for MAXIMUM_ALLOWED, less writing where READONLY
    is set.
    """
    if not access & Access.MAXIMUM_ALLOWED:
        return access
    everything = int(FILE_ALL_ACCESS)
    if stat.attributes & Attributes.READONLY:
        everything &= ~int(_WRITES)
    return everything


def _admit_existing(request: Request, asked: CreateRequest, opened: Open, stat: FileStat) -> CreateAction:
    """Whether the file that was found may be opened so; truncates it if that is what was asked."""
    directory = asked.options & CreateOptions.DIRECTORY_FILE
    if directory and not stat.directory:
        raise StatusError(NTSTATUS.NOT_A_DIRECTORY)
    if stat.directory and asked.options & CreateOptions.NON_DIRECTORY_FILE:
        raise StatusError(NTSTATUS.FILE_IS_A_DIRECTORY)
    replacing = asked.disposition in _REPLACING
    if stat.directory and replacing:
        raise StatusError(NTSTATUS.FILE_IS_A_DIRECTORY)
    if not stat.directory and stat.attributes & Attributes.READONLY:
        if replacing or asked.desired_access & (_WRITES | Access.GENERIC_WRITE):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "a read-only file")
        if opened.delete_on_close:
            raise StatusError(NTSTATUS.CANNOT_DELETE, "a read-only file")
    request.core.objects.admit(
        (stat.device, stat.inode),
        opened.access | (Access.WRITE_DATA if replacing else 0),
        opened.share_access,
    )
    if not replacing:
        return CreateAction.OPENED
    opened.handle.truncate(0)
    opened.handle.set_attributes(asked.attributes & _SETTABLE | Attributes.ARCHIVE)
    return CreateAction.SUPERSEDED if asked.disposition == Disposition.SUPERSEDE else CreateAction.OVERWRITTEN


def _response(
    request: Request, asked: CreateRequest, opened: Open, stat: FileStat, action: CreateAction
) -> CreateResponse:
    answers: list[contexts.CreateContext] = []
    if contexts.find(asked.contexts, contexts.QUERY_MAXIMAL_ACCESS) is not None:
        maximal = contexts.MaximalAccess(_granted(Access.MAXIMUM_ALLOWED, stat)).encode()
        answers.append(contexts.CreateContext(contexts.QUERY_MAXIMAL_ACCESS, maximal))
    if contexts.find(asked.contexts, contexts.QUERY_ON_DISK_ID) is not None:
        disk_id = contexts.OnDiskId(stat.inode, stat.device).encode()
        answers.append(contexts.CreateContext(contexts.QUERY_ON_DISK_ID, disk_id))
    return CreateResponse(
        opened.file_id,
        action,
        0,
        0,
        *stats.times(stat),
        stat.allocation,
        stat.size,
        stats.attributes(stat),
        tuple(answers),
    )


def close(request: Request) -> Reply:
    asked = CloseRequest.decode(request.body)
    opened = request.need_file(asked.file_id)
    response = CloseResponse()
    if asked.flags & CLOSE_FLAG_POSTQUERY_ATTRIB:
        stat = opened.handle.stat()
        response = CloseResponse(
            CLOSE_FLAG_POSTQUERY_ATTRIB,
            *stats.times(stat),
            stat.allocation,
            stat.size,
            stats.attributes(stat),
        )
    request.core.close_open(opened)
    return Reply(response.encode())
