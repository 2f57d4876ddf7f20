"""Which open belongs to which instance of an application (MS-SMB2 3.3.5.9.13, AppInstanceId).

Owns the table `applications`. An entry is a hint: the open that it names may be gone. Called by create.
"""

from __future__ import annotations

from server.core.shared.records import FileKey, FileRecord, OpenRecord, pack_key, unpack_key
from server.core.shared.table import FILES, FileTable

_APPLICATIONS = b"applications\0"


def enter(table: FileTable, application: bytes, key: FileKey, number: int) -> None:
    with table.store.write() as writing:
        writing.put(_APPLICATIONS + application, pack_key(key) + number.to_bytes(8, "big"))


def leave(table: FileTable, application: bytes, number: int) -> None:
    """Unless another open has taken its place."""
    with table.store.write() as writing:
        raw = writing.get(_APPLICATIONS + application)
        if raw is not None and raw[16:] == number.to_bytes(8, "big"):
            writing.delete(_APPLICATIONS + application)


def find(table: FileTable, application: bytes) -> tuple[FileKey, OpenRecord] | None:
    with table.store.read() as reading:
        raw = reading.get(_APPLICATIONS + application)
        if raw is None:
            return None
        file = FileRecord.decode(reading.get(FILES + raw[:16]))
    opened = file.opens.get(int.from_bytes(raw[16:], "big"))
    return None if opened is None else (unpack_key(raw[:16]), opened)
