"""An open file or directory (MS-SMB2 3.3.1.10).
 Owns what a FileId stands for, from CREATE to CLOSE; the descriptor goes once the last request that uses it
is over. What other workers need to know of it is in its record in the store. Called by create, and by every
command that has a FileId.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

from server.core.errors import StatusError
from server.core.fence import Fence
from server.core.shared.records import FileKey
from server.ports.files import FilePath, Handle
from server.wire.directory_infos import DirectoryEntry
from server.wire.status import NTSTATUS

if TYPE_CHECKING:
    from server.core.notify import Watch
    from server.core.request import Request
    from server.core.session import Session, Tree

FILE_ID = Struct("<QQ")
"""(persistent, volatile)."""
_CLUSTER = 4096
_MOST_RESERVED = 2**44


@dataclass(slots=True)
class Listing:
    """An enumeration under way: what is left of it, and the pattern it was begun with. `written`: when the directory
    was last changed before it was read; `settled`: a later change would show in that.
    """

    pattern: str
    entries: list[DirectoryEntry]
    position: int = 0
    written: int = 0
    settled: bool = False


@dataclass(slots=True, eq=False)
class Open:
    """`access` is the granted access mask, `path` counts from the share's root as it is spelt on disk.
    `holder` names the lease or oplock that it belongs to. `action`: what CREATE did, for its replay. `users`:
    the requests on it that are under way.
    """

    persistent: int
    volatile: int
    session: Session
    tree: Tree
    handle: Handle
    key: FileKey
    path: FilePath
    access: int
    share_access: int
    options: int
    client_guid: uuid.UUID
    fence: Fence
    holder: str = ""
    parent: str = ""
    durable: bool = False
    listing: Listing | None = None
    position: int = 0
    create_guid: uuid.UUID | None = None
    application: bytes | None = None
    action: int = 0
    replayable: bool = False
    lock_sequences: dict[int, int] = field(default_factory=dict)
    watch: Watch | None = None
    written: bool = False
    users: list[Request] = field(default_factory=list)
    closed: bool = False
    base: FileKey | None = None
    """Of the file, if this is one of its named streams."""
    reserved: int = 0
    """Bytes that were asked to be allocated, while the file is smaller."""

    @property
    def file_id(self) -> bytes:
        """The 16 bytes on the wire."""
        return FILE_ID.pack(self.persistent, self.volatile)

    @property
    def name(self) -> str:
        """As file information classes give it: from the share's root, with backslashes."""
        return "\\" + "\\".join(self.path)

    def need(self, access: int) -> None:
        """StatusError ACCESS_DENIED unless one of these rights was granted."""
        if not self.access & access:
            raise StatusError(NTSTATUS.ACCESS_DENIED, "not granted at open")

    def enter(self, request: Request) -> None:
        """A request begins to use the handle."""
        self.users.append(request)

    def leave(self, request: Request) -> None:
        """A request is over; the last one after `close` closes the handle."""
        self.users.remove(request)
        if self.closed and not self.users:
            self.handle.close()

    def close(self) -> None:
        """Take it out of its session; once."""
        self.closed = True
        del self.session.opens[self.volatile]
        if not self.users:
            self.handle.close()


def reserve(opened: Open, size: int) -> None:
    """Room for that many bytes, in whole clusters, which is told until the file is as big."""
    if size > _MOST_RESERVED:
        raise StatusError(NTSTATUS.DISK_FULL, "more than a file may have")
    opened.handle.allocate(size)
    opened.reserved = -(-size // _CLUSTER) * _CLUSTER
