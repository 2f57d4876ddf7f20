"""An open file or directory (MS-SMB2 3.3.1.10).
 Owns what a FileId stands for, from CREATE to CLOSE; the descriptor goes once the last request that uses it
is over. Called by create, and by every command that has a FileId.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

from server.core.errors import StatusError, status_of
from server.core.fence import Fence
from server.core.objects import FileObject, FileObjects
from server.ports.files import FilePath, FileStat, Handle
from server.wire.directory_infos import DirectoryEntry
from server.wire.status import NTSTATUS

if TYPE_CHECKING:
    from server.core.session import Session, Tree

_FILE_ID = Struct("<QQ")


@dataclass(slots=True)
class Listing:
    """An enumeration under way: what is left of it, and the pattern it was begun with."""

    pattern: str
    entries: list[DirectoryEntry]
    position: int = 0


@dataclass(slots=True, eq=False)
class Open:
    """`access` is the granted access mask, `path` counts from the share's root as it is spelt on disk."""

    persistent: int
    volatile: int
    session: Session
    tree: Tree
    handle: Handle
    path: FilePath
    access: int
    share_access: int
    options: int
    client_guid: uuid.UUID
    fence: Fence
    file: FileObject | None = None
    delete_on_close: bool = False
    listing: Listing | None = None
    position: int = 0
    create_guid: uuid.UUID | None = None
    users: int = 0
    closed: bool = False
    stat_at_close: FileStat | None = field(default=None)

    @property
    def file_id(self) -> bytes:
        """The 16 bytes on the wire."""
        return _FILE_ID.pack(self.persistent, self.volatile)

    @property
    def name(self) -> str:
        """As file information classes give it: from the share's root, with backslashes."""
        return "\\" + "\\".join(self.path)

    def need(self, access: int) -> None:
        """StatusError ACCESS_DENIED unless one of these rights was granted."""
        if not self.access & access:
            raise StatusError(NTSTATUS.ACCESS_DENIED, "not granted at open")

    def enter(self) -> None:
        """A request begins to use the handle."""
        self.users += 1

    def leave(self) -> None:
        """A request is over; the last one after `close` closes the handle."""
        self.users -= 1
        if self.closed and not self.users:
            self.handle.close()

    def close(self, objects: FileObjects) -> None:
        """Take it out of its session, delete the file if that was asked for. StatusError: it could not be
        deleted.
        """
        if self.closed:
            return
        self.closed = True
        del self.session.opens[self.volatile]
        try:
            self._release(objects)
        finally:
            if not self.users:
                self.handle.close()

    def _release(self, objects: FileObjects) -> None:
        if self.file is None:
            return
        if self.delete_on_close:
            self.file.delete_pending = True
        if not objects.remove(self.file, self) or not self.file.delete_pending:
            return
        volume = self.tree.share.volume
        if volume is None:
            return
        try:
            volume.remove(self.handle, self.path)
        except FileNotFoundError:
            return  # somebody else has deleted or renamed it, which is as good
        except OSError as error:
            raise StatusError(status_of(error), "deletion at close") from error


def decode_file_id(raw: bytes) -> tuple[int, int]:
    """(persistent, volatile)."""
    persistent, volatile = _FILE_ID.unpack(raw)
    return persistent, volatile
