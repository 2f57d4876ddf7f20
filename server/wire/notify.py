"""CHANGE_NOTIFY and the list of changes it answers with (MS-SMB2 2.2.35, 2.2.36, MS-FSCC 2.7.1).

Pure values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, padding, slice_of, text, unpack, unpack_at, utf16
from server.wire.errors import MalformedError

_REQUEST = Struct("<HHI16sII")
_CHANGE = Struct("<III")

WATCH_TREE = 1


class Action(IntEnum):
    ADDED = 1
    REMOVED = 2
    MODIFIED = 3
    RENAMED_OLD_NAME = 4
    RENAMED_NEW_NAME = 5
    ADDED_STREAM = 6
    REMOVED_STREAM = 7
    MODIFIED_STREAM = 8


class Filter(IntEnum):
    """CompletionFilter."""

    FILE_NAME = 0x001
    DIR_NAME = 0x002
    ATTRIBUTES = 0x004
    SIZE = 0x008
    LAST_WRITE = 0x010
    LAST_ACCESS = 0x020
    CREATION = 0x040
    EA = 0x080
    SECURITY = 0x100
    STREAM_NAME = 0x200
    STREAM_SIZE = 0x400
    STREAM_WRITE = 0x800


@dataclass(frozen=True, slots=True)
class ChangeNotifyRequest:
    file_id: bytes
    filter: int
    output_length: int = 65536
    flags: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> ChangeNotifyRequest:
        _, flags, output_length, file_id, wanted, _ = unpack(_REQUEST, body, 32, "CHANGE_NOTIFY request")
        return cls(file_id, wanted, output_length, flags)

    def encode(self) -> bytes:
        return _REQUEST.pack(32, self.flags, self.output_length, self.file_id, self.filter, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """`name` counts from the watched directory, with backslashes."""

    action: Action
    name: str


def encode_changes(changes: Iterable[Change]) -> bytes:
    """FILE_NOTIFY_INFORMATION entries, each on a multiple of four."""
    entries = []
    for change in changes:
        name = utf16(change.name)
        entries.append((change.action, name, padding(_CHANGE.size + len(name), 4)))
    output = bytearray()
    for position, (action, name, gap) in enumerate(entries):
        last = position == len(entries) - 1
        output += _CHANGE.pack(0 if last else _CHANGE.size + len(name) + len(gap), action, len(name))
        output += name + (b"" if last else gap)
    return bytes(output)


def decode_changes(data: Buffer) -> list[Change]:
    """MalformedError: an entry out of bounds, or of no action that there is."""
    changes: list[Change] = []
    offset = 0
    while len(data):
        following, action, length = unpack_at(_CHANGE, data, offset, "notify entry")
        name = slice_of(data, offset + _CHANGE.size, length, "notify name")
        if action not in iter(Action):
            raise MalformedError(f"notify: no action {action}")
        changes.append(Change(Action(action), text(name, "notify name")))
        if not following:
            break
        offset += following
    return changes
