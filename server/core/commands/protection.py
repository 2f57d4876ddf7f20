"""Security descriptors: who may open what, what new files get, and QUERY_INFO and SET_INFO of them (MS-SMB2
3.3.5.20.3, 3.3.5.21.3; MS-FSA 2.1.5.1.2.1).

What an entry means is in `server.core.access`. Called by create, query_info and set_info.
"""

from __future__ import annotations

from server.core import access
from server.core.access import EVERYBODYS
from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import Request
from server.core.session import Session
from server.ports.files import FilePath, FileStat, Handle, Volume
from server.wire.buffers import Buffer
from server.wire.create import Access
from server.wire.notify import Filter
from server.wire.security import DACL, GROUP, OWNER, SACL, Descriptor
from server.wire.status import NTSTATUS

_FROM_PARENT = ((Access.DELETE_CHILD, Access.DELETE), (Access.READ_DATA, Access.READ_ATTRIBUTES))
_MOST = 64 * 1024


def permitted(volume: Volume, session: Session, handle: Handle, path: FilePath, stat: FileStat) -> int:
    """All that the user may do with that file: by what it has been given, or by what its directory has."""
    who = access.sids(session)
    raw = handle.descriptor() if stat.described else None
    if raw is None:
        return access.usual(who)
    found = access.permitted(Descriptor.decode(raw), who)
    if path:
        above = access.permitted(_decoded(volume.descriptor(path[:-1])), who)
        for right, gives in _FROM_PARENT:
            if above & right:
                found |= gives
    return found


def protect(volume: Volume, session: Session, handle: Handle, path: FilePath, given: bytes | None) -> None:
    """A file that was just made gets its descriptor. StatusError: the user may make none there."""
    who, owner = access.sids(session), access.user_sid(session.user)
    parent = need_entry(volume, session, path, handle.directory)
    wanted = None if given is None else Descriptor.decode(given)
    if wanted is not None:
        _check_owner(wanted, who)
    made = access.of_new_file(parent, wanted, owner, handle.directory)
    if made is not None:
        handle.set_descriptor(made.encode())


def need_entry(volume: Volume, session: Session, path: FilePath, directory: bool) -> Descriptor:
    """The descriptor of the directory that `path` lies in. StatusError: the user may make no such entry there."""
    parent = _decoded(volume.descriptor(path[:-1]))
    # The rights of a directory that are called ADD_FILE and ADD_SUBDIRECTORY.
    need = Access.APPEND_DATA if directory else Access.WRITE_DATA
    if not access.permitted(parent, access.sids(session)) & need:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "no new entry in that directory")
    return parent


def query(opened: Open, parts: int) -> bytes:
    opened.need(Access.READ_CONTROL)
    return _decoded(opened.handle.descriptor()).only(parts).encode()


def change(request: Request, opened: Open, parts: int, data: Buffer) -> None:
    """StatusError: the open has not the rights, or the user may not give the file to that owner."""
    if parts & (OWNER | GROUP):
        opened.need(Access.WRITE_OWNER)
    if parts & DACL:
        opened.need(Access.WRITE_DAC)
    if parts & SACL and not parts & (OWNER | GROUP | DACL):
        raise StatusError(NTSTATUS.PRIVILEGE_NOT_HELD, "SACLs")
    if len(data) > _MOST:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a descriptor of that size")
    given = Descriptor.decode(data).only(parts)
    session = request.need_session()
    if parts & OWNER:
        _check_owner(given, access.sids(session))
    raw = opened.handle.descriptor()
    before = _decoded(raw)
    if raw is None and session.user:
        owner = access.user_sid(session.user)
        before = Descriptor(owner, owner, before.dacl, before.control)
    opened.handle.set_descriptor(access.changed(before, given, dacl=bool(parts & DACL)).encode())
    request.core.watches.modified(opened, Filter.SECURITY)


def _check_owner(given: Descriptor, who: frozenset[bytes]) -> None:
    if given.owner is not None and given.owner not in who:
        raise StatusError(NTSTATUS.INVALID_OWNER, "another owner than the user")


def _decoded(raw: bytes | None) -> Descriptor:
    return EVERYBODYS if raw is None else Descriptor.decode(raw)
