"""The file that a CREATE is about, found or made, and not admitted yet.

Owns what is known of it before anybody else who has it open is asked. Called by create.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from server.core.access import specific
from server.core.commands import protection
from server.core.commands.caching import Wish
from server.core.commands.opening import REPLACING, WRITES, open_or_make
from server.core.errors import StatusError
from server.core.request import Request
from server.ports.files import FilePath, FileStat, Handle, Volume
from server.wire import create_contexts as contexts
from server.wire.create import FILE_ALL_ACCESS, Access, CreateOptions, CreateRequest
from server.wire.status import NTSTATUS


@dataclass(slots=True, eq=False)
class Found:
    """A file that was found or made for a CREATE and is not admitted yet. `made`: it is to go again if it is not.
    `again`: it had to wait. `vanished`: it has been deleted since, and has to be looked for once more.
    """

    request: Request
    asked: CreateRequest
    volume: Volume
    wish: Wish
    ids: tuple[int, int]
    access: int
    handle: Handle
    path: FilePath
    made: bool
    again: bool = False
    vanished: bool = False
    permitted: int = int(FILE_ALL_ACCESS)
    stat: FileStat = field(init=False)

    def __post_init__(self) -> None:
        self.stat = self.handle.stat()

    @property
    def overwrite(self) -> bool:
        return self.asked.disposition in REPLACING and not self.made

    @property
    def key(self) -> tuple[int, int]:
        return self.stat.device, self.stat.inode

    def abandon(self) -> None:
        if self.made and not self.request.core.table.look(self.key).opens:
            self.volume.remove(self.handle, self.path)
        self.handle.close()


def find(request: Request, asked: CreateRequest, volume: Volume, wish: Wish) -> Found:
    """StatusError, OSError: there is none, none can be made, or the user may not."""
    ids = request.core.new_file_ids()
    access = specific(asked.desired_access)
    writes = bool(access & (WRITES | Access.MAXIMUM_ALLOWED)) or asked.disposition in REPLACING
    directory = bool(asked.options & CreateOptions.DIRECTORY_FILE)
    handle, path, made = open_or_make(volume, asked, writes, directory)
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


def _judge(found: Found) -> None:
    """What the user may do with it. Who has made a file may do anything with it this once."""
    session = found.request.need_session()
    if found.made:
        given = contexts.find(found.asked.contexts, contexts.SECURITY_DESCRIPTOR)
        protection.protect(found.volume, session, found.handle, found.path, given)
        return
    found.permitted = protection.permitted(found.volume, session, found.handle, found.path)
    if found.overwrite and not found.permitted & Access.WRITE_DATA:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "may not be overwritten")
