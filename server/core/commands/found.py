"""The file that a CREATE is about, found or made, and not admitted yet.

Owns what is known of it before anybody else who has it open is asked. Called by create.
"""

from __future__ import annotations

from server.core.access import specific
from server.core.commands import protection
from server.core.commands.caching import Wish
from server.core.commands.opening import REPLACING, WRITES, open_or_make
from server.core.errors import StatusError
from server.core.names import is_stream, parse_path, with_stream, without_stream
from server.core.request import Request
from server.core.shared.records import FileKey
from server.ports.files import FilePath, Handle, Make, Volume
from server.wire import create_contexts as contexts
from server.wire.create import FILE_ALL_ACCESS, Access, Attributes, CreateOptions, CreateRequest, Disposition
from server.wire.status import NTSTATUS

_DIRECTORY_FILE = CreateOptions.DIRECTORY_FILE
_WRITING = WRITES | Access.MAXIMUM_ALLOWED


class Found:
    """A file that was found or made for a CREATE and is not admitted yet. `made`: it is to go again if it is not.
    `again`: it had to wait. `vanished`: it has been deleted since, and has to be looked for once more. `base`: the
    file whose stream it is.
    """

    def __init__(
        self,
        request: Request,
        asked: CreateRequest,
        volume: Volume,
        wish: Wish,
        ids: tuple[int, int],
        access: int,
        handle: Handle,
        path: FilePath,
        made: bool,
        base: FileKey | None = None,
        base_made: bool = False,
        permitted: int = FILE_ALL_ACCESS,
    ) -> None:
        self.request = request
        self.asked = asked
        self.volume = volume
        self.wish = wish
        self.ids = ids
        self.access = access
        self.handle = handle
        self.path = path
        self.made = made
        self.base = base
        self.base_made = base_made
        self.permitted = permitted
        self.overwrite = asked.disposition in REPLACING and not made
        self.again = self.vanished = False
        self.stat = stat = handle.stat()
        self.key: FileKey = (stat.device, stat.inode)

    def abandon(self) -> None:
        """As if it had not been looked for."""
        if self.made and not self.request.core.table.look(self.key).opens:
            self.volume.remove(self.handle, without_stream(self.path) if self.base_made else self.path)
        self.handle.close()


def find(request: Request, asked: CreateRequest, volume: Volume, wish: Wish) -> Found:
    """StatusError, OSError: there is none, none can be made, or the user may not."""
    ids = request.core.new_file_ids()
    path = parse_path(asked.name)
    access = specific(asked.desired_access)
    writes = bool(access & _WRITING) or asked.disposition in REPLACING
    if is_stream(path):
        return _find_stream(request, asked, volume, wish, ids, path, writes)
    directory = bool(asked.options & _DIRECTORY_FILE)
    handle, path, made = open_or_make(volume, path, asked, writes, directory)
    try:
        found = Found(request, asked, volume, wish, ids, access, handle, path, made)
    except BaseException:
        handle.close()
        raise
    try:
        _judge(found)
    except BaseException:
        found.abandon()
        raise
    return found


def _find_stream(
    request: Request,
    asked: CreateRequest,
    volume: Volume,
    wish: Wish,
    ids: tuple[int, int],
    path: FilePath,
    writes: bool,
) -> Found:
    """The file is found first, or made if its stream may be."""
    session, stream = request.need_session(), path[-1].partition(":")[2]
    make = Make.NO if asked.disposition in (Disposition.OPEN, Disposition.OVERWRITE) else Make.IF_MISSING
    base, spelt, base_made = volume.open(without_stream(path), write=False, make=make)
    try:
        status = base.stat()
        key = status.device, status.inode
        if request.core.table.look(key).delete_pending:
            raise StatusError(NTSTATUS.DELETE_PENDING)
        if base_made:
            protection.protect(volume, session, base, spelt, _given_descriptor(asked))
        permitted = (
            int(FILE_ALL_ACCESS) if base_made else protection.permitted(volume, session, base, spelt, status)
        )
        if make is not Make.NO and not permitted & Access.WRITE_DATA:
            raise StatusError(NTSTATUS.ACCESS_DENIED, "may have no new stream, nor be overwritten")
        handle, path, made = open_or_make(volume, with_stream(spelt, stream), asked, writes, directory=False)
    except BaseException:
        if base_made:
            volume.remove(base, spelt)
        raise
    finally:
        base.close()
    access = specific(asked.desired_access)
    try:
        return Found(
            *(request, asked, volume, wish, ids, access, handle, path, made),
            base=key,
            base_made=base_made,
            permitted=permitted,
        )
    except BaseException:
        handle.close()
        raise


def _judge(found: Found) -> None:
    """What the user may do with it. Who has made a file may do anything with it this once."""
    session, asked = found.request.need_session(), found.asked
    if found.made:
        if asked.options & CreateOptions.DELETE_ON_CLOSE and asked.attributes & Attributes.READONLY:
            raise StatusError(NTSTATUS.CANNOT_DELETE, "a read-only file")
        given = _given_descriptor(found.asked)
        protection.protect(found.volume, session, found.handle, found.path, given)
        return
    found.permitted = protection.permitted(found.volume, session, found.handle, found.path, found.stat)
    if found.overwrite and not found.permitted & Access.WRITE_DATA:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "may not be overwritten")


def _given_descriptor(asked: CreateRequest) -> bytes | None:
    return contexts.find(asked.contexts, contexts.SECURITY_DESCRIPTOR)
