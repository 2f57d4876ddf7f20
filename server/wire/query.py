"""QUERY_DIRECTORY and QUERY_INFO, the envelopes (MS-SMB2 2.2.33, 2.2.34, 2.2.37, 2.2.38).

Pure values. What lies in their buffers is in `directory_infos`, `file_infos`, `fs_infos` and `security`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, payload, text, unpack, utf16

_DIRECTORY = Struct("<HBBI16sHHI")
_INFO = Struct("<HBBIHHIII16s")
_RESPONSE = Struct("<HHI")


class DirectoryFlags(IntEnum):
    RESTART_SCANS = 0x01
    RETURN_SINGLE_ENTRY = 0x02
    INDEX_SPECIFIED = 0x04
    REOPEN = 0x10


class InfoType(IntEnum):
    FILE = 1
    FILESYSTEM = 2
    SECURITY = 3
    QUOTA = 4


@dataclass(frozen=True, slots=True)
class QueryDirectoryRequest:
    """`info_class` stays a number (`directory_infos.DirectoryClass` names those that are served)."""

    file_id: bytes
    info_class: int
    pattern: str = "*"
    flags: int = 0
    file_index: int = 0
    output_length: int = 65536

    @classmethod
    def decode(cls, body: Buffer) -> QueryDirectoryRequest:
        _, info_class, flags, index, file_id, offset, length, output = unpack(
            _DIRECTORY, body, 33, "QUERY_DIRECTORY request"
        )
        pattern = payload(body, offset, length, _DIRECTORY.size, "QUERY_DIRECTORY pattern")
        return cls(file_id, info_class, text(pattern, "QUERY_DIRECTORY pattern"), flags, index, output)

    def encode(self) -> bytes:
        pattern = utf16(self.pattern)
        head = _DIRECTORY.pack(
            33,
            self.info_class,
            self.flags,
            self.file_index,
            self.file_id,
            HEADER_SIZE + _DIRECTORY.size,
            len(pattern),
            self.output_length,
        )
        return head + (pattern or b"\0")


@dataclass(frozen=True, slots=True)
class QueryInfoRequest:
    """`additional` chooses the parts of a security descriptor; `data` is an EA list or a quota query."""

    file_id: bytes
    info_type: int
    info_class: int
    output_length: int = 65536
    additional: int = 0
    flags: int = 0
    data: Buffer = b""

    @classmethod
    def decode(cls, body: Buffer) -> QueryInfoRequest:
        _, info_type, info_class, output, offset, _, length, additional, flags, file_id = unpack(
            _INFO, body, 41, "QUERY_INFO request"
        )
        data = payload(body, offset, length, _INFO.size, "QUERY_INFO input")
        return cls(file_id, info_type, info_class, output, additional, flags, data)

    def encode(self) -> bytes:
        head = _INFO.pack(
            41,
            self.info_type,
            self.info_class,
            self.output_length,
            HEADER_SIZE + _INFO.size,
            0,
            len(self.data),
            self.additional,
            self.flags,
            self.file_id,
        )
        return head + (bytes(self.data) or b"\0")


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """The response of both: a buffer."""

    data: Buffer

    @classmethod
    def decode(cls, body: Buffer) -> QueryResponse:
        _, offset, length = unpack(_RESPONSE, body, 9, "QUERY response")
        return cls(payload(body, offset, length, _RESPONSE.size, "QUERY data"))

    def encode(self) -> bytes:
        head = _RESPONSE.pack(9, HEADER_SIZE + _RESPONSE.size, len(self.data))
        return head + (bytes(self.data) or b"\0")
