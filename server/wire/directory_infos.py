"""What QUERY_DIRECTORY returns: the directory information classes (MS-FSCC 2.4.8 and following).
 Pure values. One entry value serves all classes; a class says which of its fields are on the wire. Called by
the server's directory listing and by the client's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, padding, slice_of, text, unpack_at, utf16
from server.wire.errors import MalformedError

_COMMON = Struct("<IIQQQQQQII")
_NAMES = Struct("<III")
_EA_SIZE = Struct("<I")
_SHORT_NAME = Struct("<BB24s")
_FILE_ID = Struct("<Q")
_EXTENDED = Struct("<II16s")


class DirectoryClass(IntEnum):
    DIRECTORY = 0x01
    FULL = 0x02
    BOTH = 0x03
    NAMES = 0x0C
    ID_BOTH = 0x25
    ID_FULL = 0x26
    ID_EXTENDED = 0x3C


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """Times as FILETIME, sizes in bytes. A field that a class does not carry decodes as 0 or empty."""

    name: str
    creation_time: int = 0
    last_access_time: int = 0
    last_write_time: int = 0
    change_time: int = 0
    end_of_file: int = 0
    allocation_size: int = 0
    attributes: int = 0
    ea_size: int = 0
    file_id: int = 0
    short_name: str = ""
    file_index: int = 0


def encode_entry(entry: DirectoryEntry, info_class: int) -> bytes:
    """One entry, with NextEntryOffset 0 and without padding. ValueError: a class that has no entries."""
    name = utf16(entry.name)
    if info_class == DirectoryClass.NAMES:
        return _NAMES.pack(0, entry.file_index, len(name)) + name
    common = _COMMON.pack(
        0,
        entry.file_index,
        entry.creation_time,
        entry.last_access_time,
        entry.last_write_time,
        entry.change_time,
        entry.end_of_file,
        entry.allocation_size,
        entry.attributes,
        len(name),
    )
    ea_size = _EA_SIZE.pack(entry.ea_size)
    if info_class == DirectoryClass.DIRECTORY:
        return common + name
    if info_class == DirectoryClass.FULL:
        return common + ea_size + name
    if info_class == DirectoryClass.ID_FULL:
        return common + ea_size + bytes(4) + _FILE_ID.pack(entry.file_id) + name
    if info_class == DirectoryClass.ID_EXTENDED:
        return common + _EXTENDED.pack(entry.ea_size, 0, entry.file_id.to_bytes(16, "little")) + name
    short = utf16(entry.short_name)
    both = common + ea_size + _SHORT_NAME.pack(len(short), 0, short)
    if info_class == DirectoryClass.BOTH:
        return both + name
    if info_class == DirectoryClass.ID_BOTH:
        return both + bytes(2) + _FILE_ID.pack(entry.file_id) + name
    raise ValueError(f"no directory information class 0x{info_class:x}")


class EntryList:
    """Chains encoded entries, 8-aligned, as long as they fit into `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._last = 0

    def add(self, encoded: bytes) -> bool:
        """False, and nothing changed: it does not fit any more."""
        gap = padding(len(self._buffer))
        start = len(self._buffer) + len(gap)
        if start + len(encoded) > self._limit:
            return False
        if self._buffer:
            self._buffer[self._last : self._last + 4] = (start - self._last).to_bytes(4, "little")
        self._buffer += gap + encoded
        self._last = start
        return True

    def __len__(self) -> int:
        return len(self._buffer)

    def encode(self) -> bytes:
        return bytes(self._buffer)


def decode_entries(data: Buffer, info_class: int) -> Iterator[DirectoryEntry]:
    """The entries of one response, in order. MalformedError: a chain or a name out of bounds."""
    offset = 0
    while len(data):
        following = unpack_at(_EA_SIZE, data, offset, "directory entry")[0]
        yield _decode_entry(memoryview(data)[offset:], info_class)
        if not following:
            return
        if following % 8 and info_class != DirectoryClass.NAMES:
            raise MalformedError(f"directory entry: NextEntryOffset {following}")
        offset += following


def _decode_entry(data: memoryview, info_class: int) -> DirectoryEntry:
    what = "directory entry"
    if info_class == DirectoryClass.NAMES:
        _, index, length = unpack_at(_NAMES, data, 0, what)
        return DirectoryEntry(text(slice_of(data, _NAMES.size, length, what), what), file_index=index)
    _, index, creation, access, write, change, end_of_file, allocation, attributes, length = unpack_at(
        _COMMON, data, 0, what
    )
    offset = _COMMON.size
    ea_size = file_id = 0
    short_name = ""
    if info_class == DirectoryClass.ID_EXTENDED:
        ea_size, _, raw = unpack_at(_EXTENDED, data, offset, what)
        file_id = int.from_bytes(raw, "little")
        offset += _EXTENDED.size
    elif info_class != DirectoryClass.DIRECTORY:
        (ea_size,) = unpack_at(_EA_SIZE, data, offset, what)
        offset += _EA_SIZE.size
    if info_class in (DirectoryClass.BOTH, DirectoryClass.ID_BOTH):
        short_length, _, raw = unpack_at(_SHORT_NAME, data, offset, what)
        short_name = text(slice_of(raw, 0, short_length, what), what)
        offset += _SHORT_NAME.size
    if info_class in (DirectoryClass.ID_BOTH, DirectoryClass.ID_FULL):
        offset += 2 if info_class == DirectoryClass.ID_BOTH else 4
        (file_id,) = unpack_at(_FILE_ID, data, offset, what)
        offset += _FILE_ID.size
    name = text(slice_of(data, offset, length, what), what)
    return DirectoryEntry(
        name,
        creation,
        access,
        write,
        change,
        end_of_file,
        allocation,
        attributes,
        ea_size,
        file_id,
        short_name,
        index,
    )
