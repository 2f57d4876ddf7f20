"""The opens of a file's streams, as far as the file has to know of them (MS-FSA 2.1.5.1.2, 2.1.5.4).

Each is entered in the record of its file beside those of the file itself: there it stands for no access to data, but
it keeps the file from being opened for deletion if it does not share that, and the file stays, doomed, until it is
closed. It is an open as any other when its worker dies. Called by create and set_info.
"""

from __future__ import annotations

from server.core.errors import StatusError
from server.core.shared.records import FileKey, OpenRecord
from server.core.shared.table import FileTable
from server.ports.files import FilePath
from server.wire.create import Access, ShareAccess
from server.wire.status import NTSTATUS


def enter(table: FileTable, base: FileKey, path: FilePath, opened: OpenRecord) -> None:
    """`path`: of the file. StatusError: the file is to be deleted."""
    shadow = opened._replace(
        path=path,
        access=int(Access.READ_CONTROL),
        share_access=int(opened.share_access | ShareAccess.READ | ShareAccess.WRITE),
        delete_on_close=False,
        holder="",
        durable=None,
        stream=True,
    )
    with table.draft(base) as (_, file):
        if file.delete_pending:
            raise StatusError(NTSTATUS.DELETE_PENDING)
        file.put(shadow)


def any_open(table: FileTable, base: FileKey) -> bool:
    return any(opened.stream for opened in table.look(base).opens.values())
