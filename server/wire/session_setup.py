"""SESSION_SETUP (MS-SMB2 2.2.5, 2.2.6).

Pure values; the token in it is `server.wire.spnego`'s affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, payload, unpack

_REQUEST = Struct("<HBBIIHHQ")
_RESPONSE = Struct("<HHHH")


class SetupFlags(IntEnum):
    NONE = 0
    BINDING = 1


class SessionFlags(IntEnum):
    NONE = 0
    IS_GUEST = 1
    IS_NULL = 2
    ENCRYPT_DATA = 4


@dataclass(frozen=True, slots=True)
class SessionSetupRequest:
    """`previous_session_id`: a session of the same user to tear down once this one stands (after a lost
    connection).
    """

    token: bytes
    flags: int = SetupFlags.NONE
    security_mode: int = 1
    capabilities: int = 0
    previous_session_id: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> SessionSetupRequest:
        _, flags, mode, capabilities, _channel, offset, length, previous = unpack(
            _REQUEST, body, 25, "SESSION_SETUP request"
        )
        token = bytes(payload(body, offset, length, _REQUEST.size, "SESSION_SETUP token"))
        return cls(token, flags, mode, capabilities, previous)

    def encode(self) -> bytes:
        head = _REQUEST.pack(
            25,
            self.flags,
            self.security_mode,
            self.capabilities,
            0,
            HEADER_SIZE + _REQUEST.size,
            len(self.token),
            self.previous_session_id,
        )
        return head + (self.token or b"\0")


@dataclass(frozen=True, slots=True)
class SessionSetupResponse:
    """Carried by SUCCESS and by MORE_PROCESSING_REQUIRED."""

    token: bytes = b""
    flags: int = SessionFlags.NONE

    @classmethod
    def decode(cls, body: Buffer) -> SessionSetupResponse:
        _, flags, offset, length = unpack(_RESPONSE, body, 9, "SESSION_SETUP response")
        return cls(bytes(payload(body, offset, length, _RESPONSE.size, "SESSION_SETUP token")), flags)

    def encode(self) -> bytes:
        head = _RESPONSE.pack(9, self.flags, HEADER_SIZE + _RESPONSE.size, len(self.token))
        return head + (self.token or b"\0")
