"""SET_INFO, the envelope (MS-SMB2 2.2.39, 2.2.40). The buffers in it are in `file_infos`.

Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, payload, unpack

_REQUEST = Struct("<HBBIHHI16s")
_RESPONSE = Struct("<H")


@dataclass(frozen=True, slots=True)
class SetInfoRequest:
    file_id: bytes
    info_type: int
    info_class: int
    data: Buffer
    additional: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> SetInfoRequest:
        _, info_type, info_class, length, offset, _, additional, file_id = unpack(
            _REQUEST, body, 33, "SET_INFO request"
        )
        data = payload(body, offset, length, _REQUEST.size, "SET_INFO buffer")
        return cls(file_id, info_type, info_class, data, additional)

    def encode(self) -> bytes:
        head = _REQUEST.pack(
            33,
            self.info_type,
            self.info_class,
            len(self.data),
            HEADER_SIZE + _REQUEST.size,
            0,
            self.additional,
            self.file_id,
        )
        return head + (bytes(self.data) or b"\0")


@dataclass(frozen=True, slots=True)
class SetInfoResponse:
    @classmethod
    def decode(cls, body: Buffer) -> SetInfoResponse:
        unpack(_RESPONSE, body, 2, "SET_INFO response")
        return cls()

    def encode(self) -> bytes:
        return _RESPONSE.pack(2)
