"""The files behind the opens: share modes and deletion (MS-FSA 2.1.5.1.2.2, 2.1.5.4).
 Owns one record per file that is open in this process, by device and inode. Must not know requests. Called by
create, close and set-info.

It sees the opens of one process, that is of one client. Conflicts between clients need records in the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.core.errors import StatusError
from server.wire.create import Access, ShareAccess
from server.wire.status import NTSTATUS

if TYPE_CHECKING:
    from server.core.opens import Open

FileKey = tuple[int, int]

_SHARED = (
    (Access.READ_DATA | Access.EXECUTE, ShareAccess.READ),
    (Access.WRITE_DATA | Access.APPEND_DATA, ShareAccess.WRITE),
    (Access.DELETE, ShareAccess.DELETE),
)


@dataclass(slots=True, eq=False)
class FileObject:
    """`opens` oldest first. `delete_pending`: it goes with the last of them, and takes no new ones."""

    key: FileKey
    opens: list[Open] = field(default_factory=list)
    delete_pending: bool = False


class FileObjects:
    def __init__(self) -> None:
        self._objects: dict[FileKey, FileObject] = {}

    def admit(self, key: FileKey, access: int, share: int) -> None:
        """StatusError: DELETE_PENDING or SHARING_VIOLATION, if an open with these may not be added now."""
        found = self._objects.get(key)
        if found is None:
            return
        if found.delete_pending:
            raise StatusError(NTSTATUS.DELETE_PENDING)
        for other in found.opens:
            if _clash(access, other.share_access) or _clash(other.access, share):
                raise StatusError(NTSTATUS.SHARING_VIOLATION)

    def add(self, key: FileKey, opened: Open) -> FileObject:
        found = self._objects.setdefault(key, FileObject(key))
        found.opens.append(opened)
        return found

    def remove(self, file: FileObject, opened: Open) -> bool:
        """Whether that was the last open of the file."""
        file.opens.remove(opened)
        if file.opens:
            return False
        del self._objects[file.key]
        return True


def _clash(access: int, share: int) -> bool:
    return any(access & bits and not share & permission for bits, permission in _SHARED)
