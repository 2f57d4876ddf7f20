"""TREE_CONNECT (MS-SMB2 2.2.9, 2.2.10). TREE_DISCONNECT has the empty body of `server.wire.misc`.

Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, payload, text, unpack, utf16
from server.wire.errors import MalformedError

_REQUEST = Struct("<HHHH")
_RESPONSE = Struct("<HBBIII")


class ShareType(IntEnum):
    DISK = 1
    PIPE = 2
    PRINT = 3


class ShareFlags(IntEnum):
    """2.2.10. The two lowest caching bits are a number: 0 manual, 0x10 automatic, 0x20 VDO, 0x30 none."""

    NONE = 0
    NO_CACHING = 0x30
    DFS = 0x1
    DFS_ROOT = 0x2
    ENCRYPT_DATA = 0x8000


class ShareCapabilities(IntEnum):
    NONE = 0
    DFS = 0x8
    CONTINUOUS_AVAILABILITY = 0x10
    SCALEOUT = 0x20
    CLUSTER = 0x40
    ASYMMETRIC = 0x80


@dataclass(frozen=True, slots=True)
class TreeConnectRequest:
    """`path` is the UNC name, `\\\\server\\share`. The 3.1.1 extension (flag 4) is refused by who reads
    `flags`.
    """

    path: str
    flags: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> TreeConnectRequest:
        _, flags, offset, length = unpack(_REQUEST, body, 9, "TREE_CONNECT request")
        return cls(
            text(payload(body, offset, length, _REQUEST.size, "TREE_CONNECT path"), "TREE_CONNECT path"),
            flags,
        )

    def encode(self) -> bytes:
        path = utf16(self.path)
        return _REQUEST.pack(9, self.flags, HEADER_SIZE + _REQUEST.size, len(path)) + (path or b"\0")


@dataclass(frozen=True, slots=True)
class TreeConnectResponse:
    share_type: ShareType
    share_flags: int = ShareFlags.NONE
    capabilities: int = ShareCapabilities.NONE
    maximal_access: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> TreeConnectResponse:
        _, kind, _, flags, capabilities, access = unpack(_RESPONSE, body, 16, "TREE_CONNECT response")
        try:
            share_type = ShareType(kind)
        except ValueError:
            raise MalformedError(f"TREE_CONNECT response: ShareType {kind}") from None
        return cls(share_type, flags, capabilities, access)

    def encode(self) -> bytes:
        return _RESPONSE.pack(
            16, self.share_type, 0, self.share_flags, self.capabilities, self.maximal_access
        )
