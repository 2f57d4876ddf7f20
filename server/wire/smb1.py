"""The one SMB1 message that an SMB2 server understands: the multi-protocol negotiate (MS-SMB2 3.3.5.3,
MS-CIFS 2.2.4.52).

Pure value: the dialect names in it. Who answers it is the acceptor's and the core's affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from server.wire.buffers import Buffer
from server.wire.errors import FramingError
from server.wire.header import MAGIC_SMB1

_NEGOTIATE = 0x72
_HEADER_SIZE = 32
_DIALECT_FORMAT = 2
_COUNTS = Struct("<BH")

WILDCARD = "SMB 2.???"
SMB_2_002 = "SMB 2.002"


@dataclass(frozen=True, slots=True)
class MultiProtocolNegotiate:
    dialects: tuple[str, ...]

    @classmethod
    def decode(cls, message: Buffer) -> MultiProtocolNegotiate:
        """From the SMB1 header on. FramingError: anything else, since SMB1 itself is not spoken."""
        body = bytes(message)
        if len(body) < _HEADER_SIZE + _COUNTS.size or body[:4] != MAGIC_SMB1 or body[4] != _NEGOTIATE:
            raise FramingError("an SMB1 message that is no negotiate")
        words, length = _COUNTS.unpack_from(body, _HEADER_SIZE)
        start = _HEADER_SIZE + _COUNTS.size
        if words != 0 or start + length > len(body):
            raise FramingError("SMB1 negotiate of a wrong size")
        dialects = []
        names = body[start : start + length]
        while names:
            name, end, names = names[1:].partition(b"\0")
            if not end or body[start] != _DIALECT_FORMAT:
                raise FramingError("SMB1 negotiate with a broken dialect list")
            dialects.append(name.decode("latin-1"))
        return cls(tuple(dialects))

    def encode(self) -> bytes:
        names = b"".join(bytes([_DIALECT_FORMAT]) + name.encode("latin-1") + b"\0" for name in self.dialects)
        header = MAGIC_SMB1 + bytes([_NEGOTIATE]) + bytes(4) + b"\x18" + (0xC853).to_bytes(2, "little")
        return header.ljust(_HEADER_SIZE, b"\0") + _COUNTS.pack(0, len(names)) + names
