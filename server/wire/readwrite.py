"""READ, WRITE, FLUSH, CLOSE (MS-SMB2 2.2.15 to 2.2.22).

Pure values. The payload of a write and of a read is never copied here: `WriteRequest.decode` and
`ReadResponse.decode` give views, `parts()` gives the head and the payload apart, for a gathering send.
A FileId is its 16 bytes, persistent then volatile half, as on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from server.wire.buffers import HEADER_SIZE, Buffer, payload, unpack
from server.wire.misc import EMPTY_BODY

_READ = Struct("<HBBIQ16sIIIHH")
_READ_RESPONSE = Struct("<HBBIII")
_WRITE = Struct("<HHIQ16sIIHHI")
_WRITE_RESPONSE = Struct("<HHIIHH")
_FLUSH = Struct("<HHI16s")
_CLOSE = Struct("<HHI16s")
_CLOSE_RESPONSE = Struct("<HHIQQQQQQI")

READ_RESPONSE_HEAD = _READ_RESPONSE.size
"""Bytes of a READ response before its data: 16."""

CLOSE_FLAG_POSTQUERY_ATTRIB = 1
WRITE_FLAG_WRITE_THROUGH = 1


class ReadRequest(NamedTuple):
    """`minimum`: fewer bytes than that are END_OF_FILE. Lengths and offset in bytes."""

    file_id: bytes
    length: int
    offset: int = 0
    minimum: int = 0
    flags: int = 0
    remaining: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> ReadRequest:
        _, _, flags, length, offset, file_id, minimum, _channel, remaining, _, _ = unpack(
            _READ, body, 49, "READ request"
        )
        return cls(file_id, length, offset, minimum, flags, remaining)

    def encode(self) -> bytes:
        asked = HEADER_SIZE + READ_RESPONSE_HEAD
        return (
            _READ.pack(
                49,
                asked,
                self.flags,
                self.length,
                self.offset,
                self.file_id,
                self.minimum,
                0,
                self.remaining,
                0,
                0,
            )
            + b"\0"
        )


class ReadResponse(NamedTuple):
    data: Buffer
    remaining: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> ReadResponse:
        """`data` is a view into `body`."""
        _, offset, _, length, remaining, _ = unpack(_READ_RESPONSE, body, 17, "READ response")
        return cls(payload(body, offset, length, _READ_RESPONSE.size, "READ data"), remaining)

    def head(self) -> bytes:
        return read_response_head(len(self.data), self.remaining)

    def parts(self) -> list[Buffer]:
        return [self.head(), self.data or b"\0"]

    def encode(self) -> bytes:
        return b"".join(self.parts())


def read_response_head(length: int, remaining: int = 0, gap: int = 0) -> bytes:
    """What precedes `length` bytes of data: for a server that reads straight into the outgoing buffer. `gap`: bytes
    between the two, which nobody sends but to try a client.
    """
    offset = HEADER_SIZE + READ_RESPONSE_HEAD + gap
    return _READ_RESPONSE.pack(17, offset, 0, length, remaining, 0) + bytes(gap)


class WriteRequest(NamedTuple):
    file_id: bytes
    data: Buffer
    offset: int = 0
    flags: int = 0
    remaining: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> WriteRequest:
        """`data` is a view into `body`."""
        _, data_offset, length, offset, file_id, _channel, remaining, _, _, flags = unpack(
            _WRITE, body, 49, "WRITE request"
        )
        data = payload(body, data_offset, length, _WRITE.size, "WRITE data")
        return cls(file_id, data, offset, flags, remaining)

    def head(self) -> bytes:
        return _WRITE.pack(
            49,
            HEADER_SIZE + _WRITE.size,
            len(self.data),
            self.offset,
            self.file_id,
            0,
            self.remaining,
            0,
            0,
            self.flags,
        )

    def parts(self) -> list[Buffer]:
        return [self.head(), self.data or b"\0"]

    def encode(self) -> bytes:
        return b"".join(self.parts())


@dataclass(frozen=True, slots=True)
class WriteResponse:
    count: int
    remaining: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> WriteResponse:
        # StructureSize 17 counts one byte of a buffer that nobody sends.
        _, _, count, remaining, _, _ = unpack(_WRITE_RESPONSE, body, 17, "WRITE response")
        return cls(count, remaining)

    def encode(self) -> bytes:
        return _WRITE_RESPONSE.pack(17, 0, self.count, self.remaining, 0, 0)


class FlushRequest(NamedTuple):
    file_id: bytes

    @classmethod
    def decode(cls, body: Buffer) -> FlushRequest:
        return cls(unpack(_FLUSH, body, 24, "FLUSH request")[3])

    def encode(self) -> bytes:
        return _FLUSH.pack(24, 0, 0, self.file_id)


FLUSH_RESPONSE = EMPTY_BODY


class CloseRequest(NamedTuple):
    """`flags` 1: report the attributes as they are after the close."""

    file_id: bytes
    flags: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> CloseRequest:
        _, flags, _, file_id = unpack(_CLOSE, body, 24, "CLOSE request")
        return cls(file_id, flags)

    def encode(self) -> bytes:
        return _CLOSE.pack(24, self.flags, 0, self.file_id)


class CloseResponse(NamedTuple):
    """Times as FILETIME, sizes in bytes; all zero unless `flags` has POSTQUERY_ATTRIB."""

    flags: int = 0
    creation_time: int = 0
    last_access_time: int = 0
    last_write_time: int = 0
    change_time: int = 0
    allocation_size: int = 0
    end_of_file: int = 0
    attributes: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> CloseResponse:
        fields = unpack(_CLOSE_RESPONSE, body, 60, "CLOSE response")
        return cls(fields[1], *fields[3:])

    def encode(self) -> bytes:
        return _CLOSE_RESPONSE.pack(
            60,
            self.flags,
            0,
            self.creation_time,
            self.last_access_time,
            self.last_write_time,
            self.change_time,
            self.allocation_size,
            self.end_of_file,
            self.attributes,
        )
