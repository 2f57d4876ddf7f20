"""File information classes that QUERY_INFO returns and SET_INFO takes (MS-FSCC 2.4).
 Pure values, both directions. Which of them are served, and from what, is the server's affair. Times are
FILETIME, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, align, slice_of, text, unpack_at, utf16

_BASIC = Struct("<QQQQI")
_STANDARD = Struct("<QQIBBH")
_LENGTH = Struct("<I")
_SIZE = Struct("<Q")
_NETWORK_OPEN = Struct("<QQQQQQII")
_RENAME = Struct("<B7xQI")
_STREAM = Struct("<IIQQ")
_TAG = Struct("<II")
_COMPRESSION = Struct("<QHBBB3x")
_ID = Struct("<Q16s")
_ALL_MIDDLE = Struct("<QIIQII")


class FileClass(IntEnum):
    BASIC = 4
    STANDARD = 5
    INTERNAL = 6
    EA = 7
    ACCESS = 8
    NAME = 9
    RENAME = 10
    LINK = 11
    DISPOSITION = 13
    POSITION = 14
    FULL_EA = 15
    MODE = 16
    ALIGNMENT = 17
    ALL = 18
    ALLOCATION = 19
    END_OF_FILE = 20
    ALTERNATE_NAME = 21
    STREAM = 22
    PIPE = 23
    PIPE_LOCAL = 24
    COMPRESSION = 28
    NETWORK_OPEN = 34
    ATTRIBUTE_TAG = 35
    NORMALIZED_NAME = 48
    ID = 59
    DISPOSITION_EX = 64
    RENAME_EX = 65


@dataclass(frozen=True, slots=True)
class BasicInformation:
    """In SET_INFO a time of 0 leaves it as it is, and so do `filetime.UNCHANGED` and `filetime.RESUME`."""

    creation_time: int = 0
    last_access_time: int = 0
    last_write_time: int = 0
    change_time: int = 0
    attributes: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> BasicInformation:
        return cls(*unpack_at(_BASIC, data, 0, "FileBasicInformation"))

    def encode(self) -> bytes:
        return _BASIC.pack(
            self.creation_time, self.last_access_time, self.last_write_time, self.change_time, self.attributes
        ) + bytes(4)


@dataclass(frozen=True, slots=True)
class StandardInformation:
    allocation_size: int
    end_of_file: int
    links: int = 1
    delete_pending: bool = False
    directory: bool = False

    @classmethod
    def decode(cls, data: Buffer) -> StandardInformation:
        allocation, end, links, pending, directory, _ = unpack_at(
            _STANDARD, data, 0, "FileStandardInformation"
        )
        return cls(allocation, end, links, bool(pending), bool(directory))

    def encode(self) -> bytes:
        return _STANDARD.pack(
            self.allocation_size, self.end_of_file, self.links, self.delete_pending, self.directory, 0
        )


@dataclass(frozen=True, slots=True)
class NetworkOpenInformation:
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    allocation_size: int
    end_of_file: int
    attributes: int

    @classmethod
    def decode(cls, data: Buffer) -> NetworkOpenInformation:
        return cls(*unpack_at(_NETWORK_OPEN, data, 0, "FileNetworkOpenInformation")[:7])

    def encode(self) -> bytes:
        return _NETWORK_OPEN.pack(
            self.creation_time,
            self.last_access_time,
            self.last_write_time,
            self.change_time,
            self.allocation_size,
            self.end_of_file,
            self.attributes,
            0,
        )


@dataclass(frozen=True, slots=True)
class NameInformation:
    """FileNameInformation, FileNormalizedNameInformation, FileAlternateNameInformation: one layout."""

    name: str

    @classmethod
    def decode(cls, data: Buffer) -> NameInformation:
        (length,) = unpack_at(_LENGTH, data, 0, "name information")
        return cls(text(slice_of(data, _LENGTH.size, length, "name information"), "name information"))

    def encode(self) -> bytes:
        name = utf16(self.name)
        return _LENGTH.pack(len(name)) + name


@dataclass(frozen=True, slots=True)
class AllInformation:
    """FileAllInformation: the basic ones in a row."""

    basic: BasicInformation
    standard: StandardInformation
    index: int
    ea_size: int
    access: int
    position: int
    mode: int
    alignment: int
    name: str

    @classmethod
    def decode(cls, data: Buffer) -> AllInformation:
        middle = unpack_at(_ALL_MIDDLE, data, 64, "FileAllInformation")
        index, ea_size, access, position, mode, alignment = middle
        name = NameInformation.decode(memoryview(data)[64 + _ALL_MIDDLE.size :])
        return cls(
            BasicInformation.decode(data),
            StandardInformation.decode(memoryview(data)[40:]),
            index,
            ea_size,
            access,
            position,
            mode,
            alignment,
            name.name,
        )

    def encode(self) -> bytes:
        middle = _ALL_MIDDLE.pack(
            self.index, self.ea_size, self.access, self.position, self.mode, self.alignment
        )
        return self.basic.encode() + self.standard.encode() + middle + NameInformation(self.name).encode()


@dataclass(frozen=True, slots=True)
class StreamInformation:
    """One entry; `encode_streams` chains them. The unnamed stream is `::$DATA`."""

    name: str
    size: int
    allocation_size: int


def encode_streams(streams: list[StreamInformation]) -> bytes:
    output = bytearray()
    for position, stream in enumerate(streams):
        name = utf16(stream.name)
        length = _STREAM.size + len(name)
        following = 0 if position == len(streams) - 1 else align(length)
        entry = _STREAM.pack(following, len(name), stream.size, stream.allocation_size) + name
        output += entry.ljust(following, b"\0")
    return bytes(output)


def decode_streams(data: Buffer) -> list[StreamInformation]:
    streams: list[StreamInformation] = []
    offset = 0
    while len(data):
        following, length, size, allocation = unpack_at(_STREAM, data, offset, "FileStreamInformation")
        name = text(slice_of(data, offset + _STREAM.size, length, "stream name"), "stream name")
        streams.append(StreamInformation(name, size, allocation))
        if not following:
            break
        offset += following
    return streams


@dataclass(frozen=True, slots=True)
class RenameInformation:
    """FileRenameInformation and FileLinkInformation as SMB2 sends them: `name` from the share's root, no
    leading backslash.
    """

    name: str
    replace: bool = False
    root_directory: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> RenameInformation:
        replace, root, length = unpack_at(_RENAME, data, 0, "FileRenameInformation")
        name = text(slice_of(data, _RENAME.size, length, "FileRenameInformation"), "FileRenameInformation")
        return cls(name, bool(replace), root)

    def encode(self) -> bytes:
        name = utf16(self.name)
        # Windows refuses anything shorter than its 24-byte structure.
        return (_RENAME.pack(self.replace, self.root_directory, len(name)) + name).ljust(24, b"\0")


@dataclass(frozen=True, slots=True)
class SizeInformation:
    """End of file, allocation, position and internal information: one 64-bit number."""

    value: int

    @classmethod
    def decode(cls, data: Buffer) -> SizeInformation:
        return cls(unpack_at(_SIZE, data, 0, "size information")[0])

    def encode(self) -> bytes:
        return _SIZE.pack(self.value)


@dataclass(frozen=True, slots=True)
class NumberInformation:
    """FileEaInformation, FileAccessInformation, FileModeInformation, FileAlignmentInformation."""

    value: int

    @classmethod
    def decode(cls, data: Buffer) -> NumberInformation:
        return cls(unpack_at(_LENGTH, data, 0, "number information")[0])

    def encode(self) -> bytes:
        return _LENGTH.pack(self.value)


@dataclass(frozen=True, slots=True)
class AttributeTagInformation:
    attributes: int
    reparse_tag: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> AttributeTagInformation:
        return cls(*unpack_at(_TAG, data, 0, "FileAttributeTagInformation"))

    def encode(self) -> bytes:
        return _TAG.pack(self.attributes, self.reparse_tag)


@dataclass(frozen=True, slots=True)
class CompressionInformation:
    size: int
    format: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> CompressionInformation:
        return cls(*unpack_at(_COMPRESSION, data, 0, "FileCompressionInformation")[:2])

    def encode(self) -> bytes:
        return _COMPRESSION.pack(self.size, self.format, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class IdInformation:
    volume: int
    file_id: int

    @classmethod
    def decode(cls, data: Buffer) -> IdInformation:
        volume, file_id = unpack_at(_ID, data, 0, "FileIdInformation")
        return cls(volume, int.from_bytes(file_id, "little"))

    def encode(self) -> bytes:
        return _ID.pack(self.volume, self.file_id.to_bytes(16, "little"))
