"""What a CREATE may ask for, and what its dispositions, options and rights mean (MS-SMB2 3.3.5.9; MS-FSA 2.1.5.1).

Owns the tables of that. Knows neither opens nor who else has the file. Called by create.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.core.errors import StatusError
from server.core.names import names_data
from server.ports.files import FilePath, FileStat, Handle, Make, Volume
from server.wire import create_contexts as contexts
from server.wire.create import (
    FILE_ALL_ACCESS,
    Access,
    Attributes,
    CreateOptions,
    CreateRequest,
    Disposition,
)
from server.wire.status import NTSTATUS

_KNOWN_ACCESS = FILE_ALL_ACCESS | Access.SYSTEM_SECURITY | Access.MAXIMUM_ALLOWED | 0xF000_0000
# Names of their own: a member of an enumeration is looked up each time that it is asked for by its class.
_DIRECTORY_FILE, _NON_DIRECTORY = CreateOptions.DIRECTORY_FILE, CreateOptions.NON_DIRECTORY_FILE
_DELETE_ON_CLOSE = CreateOptions.DELETE_ON_CLOSE
_MAXIMUM_ALLOWED, _READONLY = Access.MAXIMUM_ALLOWED, Attributes.READONLY
_LAST = Disposition.OVERWRITE_IF
WRITES = Access.WRITE_DATA | Access.APPEND_DATA
REPLACING = frozenset({Disposition.SUPERSEDE, Disposition.OVERWRITE, Disposition.OVERWRITE_IF})
_MAKE: Mapping[int, Make] = {
    Disposition.SUPERSEDE: Make.IF_MISSING,
    Disposition.OPEN: Make.NO,
    Disposition.CREATE: Make.MUST,
    Disposition.OPEN_IF: Make.IF_MISSING,
    Disposition.OVERWRITE: Make.NO,
    Disposition.OVERWRITE_IF: Make.IF_MISSING,
}
_UNKNOWN_OPTIONS = 0xFF00_0000
_UNSERVED_OPTIONS = CreateOptions.OPEN_BY_FILE_ID | 0x0010_0080
"""With CREATE_TREE_CONNECTION and RESERVE_OPFILTER (MS-SMB2 2.2.13)."""
SETTABLE = 0x31A7
_NO_ATTRIBUTES = ~0x7FFF_FFFF


def check(asked: CreateRequest) -> None:
    """What is wrong whatever the file may be."""
    access, disposition = asked.desired_access, asked.disposition
    options, given = asked.options, asked.attributes
    if asked.impersonation > 3:
        raise StatusError(NTSTATUS.BAD_IMPERSONATION_LEVEL)
    if disposition > _LAST or asked.share_access > 7:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "disposition or share access")
    if given & _NO_ATTRIBUTES:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "attributes")
    if options & _DIRECTORY_FILE:
        if names_data(asked.name):
            raise StatusError(NTSTATUS.NOT_A_DIRECTORY, "a stream")
        if options & _NON_DIRECTORY:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory and none")
        if given & Attributes.TEMPORARY:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "a temporary directory")
        if disposition in REPLACING:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory is never overwritten")
    if options & _UNKNOWN_OPTIONS:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "options that there are not")
    if options & _UNSERVED_OPTIONS:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "open by file id, or an option of old")
    if not access or access & ~_KNOWN_ACCESS:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "access mask")
    if options & _DELETE_ON_CLOSE and not access & (Access.DELETE | Access.GENERIC_ALL | _MAXIMUM_ALLOWED):
        raise StatusError(NTSTATUS.ACCESS_DENIED, "delete on close without the right to delete")
    if asked.contexts and contexts.find(asked.contexts, contexts.TIMEWARP) is not None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no snapshots")


def open_or_make(
    volume: Volume, path: FilePath, asked: CreateRequest, write: bool, directory: bool
) -> tuple[Handle, FilePath, bool]:
    make = _MAKE[asked.disposition]
    try:
        return volume.open(path, write=write, make=make, directory=directory)
    except PermissionError:
        if not asked.desired_access & Access.MAXIMUM_ALLOWED or not write:
            raise
        return volume.open(path, write=False, make=make, directory=directory)


def granted(access: int, stat: FileStat, permitted: int) -> int:
    """What was asked for, or for MAXIMUM_ALLOWED all that is `permitted`, less writing where READONLY is set.
    StatusError: it is asked for more than is permitted.
    """
    if access & FILE_ALL_ACCESS & ~permitted:
        raise StatusError(
            NTSTATUS.ACCESS_DENIED, f"0x{access & FILE_ALL_ACCESS & ~permitted:x} is not permitted"
        )
    if not access & _MAXIMUM_ALLOWED:
        return access
    if stat.attributes & _READONLY:
        permitted &= ~int(WRITES)
    return permitted


def check_existing(asked: CreateRequest, stat: FileStat) -> None:
    """Whether the file that was found may be opened so at all."""
    directory = asked.options & _DIRECTORY_FILE
    if directory and not stat.directory:
        raise StatusError(NTSTATUS.NOT_A_DIRECTORY)
    if stat.directory and (asked.options & _NON_DIRECTORY or names_data(asked.name)):
        raise StatusError(NTSTATUS.FILE_IS_A_DIRECTORY)
    replacing = asked.disposition in REPLACING
    if stat.directory and replacing:
        raise StatusError(NTSTATUS.FILE_IS_A_DIRECTORY)
    if not stat.directory and stat.attributes & _READONLY:
        if replacing or asked.desired_access & (WRITES | Access.GENERIC_WRITE):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "a read-only file")
        if asked.options & _DELETE_ON_CLOSE:
            raise StatusError(NTSTATUS.CANNOT_DELETE, "a read-only file")
