"""Bodies of four bytes or little more: errors, echo, logoff, cancel, tree disconnect (MS-SMB2 2.2.2 to
2.2.30).

Pure values. The four-byte requests and responses share one layout, `Empty`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from server.wire.buffers import Buffer, slice_of, unpack

_EMPTY = Struct("<HH")
_ERROR = Struct("<HBBI")


@dataclass(frozen=True, slots=True)
class Empty:
    """StructureSize 4 and two reserved bytes: ECHO, LOGOFF, TREE_DISCONNECT both ways, CANCEL requests, FLUSH
    responses.
    """

    @classmethod
    def decode(cls, body: Buffer) -> Empty:
        unpack(_EMPTY, body, 4, "empty body")
        return cls()

    def encode(self) -> bytes:
        return b"\x04\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """SMB2 ERROR Response. `data` is raw in 3.0.2 and before, `context_count` error contexts in 3.1.1."""

    data: bytes = b""
    context_count: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> ErrorResponse:
        _, count, _, length = unpack(_ERROR, body, 9, "ERROR response")
        return cls(bytes(slice_of(body, _ERROR.size, length, "ERROR response data")), count)

    def encode(self) -> bytes:
        """With no data still one byte of padding follows, as StructureSize 9 says."""
        return _ERROR.pack(9, self.context_count, 0, len(self.data)) + (self.data or b"\0")


EMPTY_BODY = Empty().encode()
ERROR_BODY = ErrorResponse().encode()
