"""LOCK (MS-SMB2 2.2.26, 2.2.27).

Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, unpack, unpack_at
from server.wire.errors import MalformedError
from server.wire.misc import EMPTY_BODY

_REQUEST = Struct("<HHI16s")
_ELEMENT = Struct("<QQII")

RESPONSE = EMPTY_BODY


class LockFlags(IntEnum):
    SHARED = 0x01
    EXCLUSIVE = 0x02
    UNLOCK = 0x04
    FAIL_IMMEDIATELY = 0x10


@dataclass(frozen=True, slots=True)
class LockElement:
    """A range in bytes. `flags` stays a number: which combinations are legal is the server's to judge."""

    offset: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class LockRequest:
    """`sequence`: low 4 bits LockSequenceNumber, upper 28 LockSequenceIndex."""

    file_id: bytes
    elements: tuple[LockElement, ...]
    sequence: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> LockRequest:
        _, count, sequence, file_id = unpack(_REQUEST, body, 48, "LOCK request")
        if count == 0:
            raise MalformedError("LOCK request of no element")
        elements = tuple(
            LockElement(*unpack_at(_ELEMENT, body, _REQUEST.size + i * _ELEMENT.size, "LOCK element")[:3])
            for i in range(count)
        )
        return cls(file_id, elements, sequence)

    def encode(self) -> bytes:
        head = _REQUEST.pack(48, len(self.elements), self.sequence, self.file_id)
        return head + b"".join(_ELEMENT.pack(e.offset, e.length, e.flags, 0) for e in self.elements)
