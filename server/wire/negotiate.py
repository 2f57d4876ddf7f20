"""NEGOTIATE (MS-SMB2 2.2.3, 2.2.4). The negotiate contexts of 3.1.1 are in `server.wire.negotiate_contexts`.

Pure values: which dialect or capability is chosen is the server's affair.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, padding, payload, slice_of, unpack
from server.wire.errors import MalformedError
from server.wire.negotiate_contexts import Context, decode_contexts, encode_contexts

_REQUEST = Struct("<HHHHI16sIHH")
_RESPONSE = Struct("<HHHH16sIIIIQQHHI")


class Dialect(IntEnum):
    """Dialect revisions; WILDCARD is only ever the answer to an SMB1 negotiate (3.3.5.3.2)."""

    SMB_2_0_2 = 0x0202
    SMB_2_1 = 0x0210
    SMB_3_0 = 0x0300
    SMB_3_0_2 = 0x0302
    SMB_3_1_1 = 0x0311
    WILDCARD = 0x02FF


class SecurityMode(IntEnum):
    SIGNING_ENABLED = 1
    SIGNING_REQUIRED = 2


class Capabilities(IntEnum):
    NONE = 0
    DFS = 0x01
    LEASING = 0x02
    LARGE_MTU = 0x04
    MULTI_CHANNEL = 0x08
    PERSISTENT_HANDLES = 0x10
    DIRECTORY_LEASING = 0x20
    ENCRYPTION = 0x40
    NOTIFICATIONS = 0x80


@dataclass(frozen=True, slots=True)
class NegotiateRequest:
    """`dialects` as offered (unknown numbers stay). `contexts` is empty unless 3.1.1 is among them."""

    dialects: tuple[int, ...]
    client_guid: uuid.UUID
    security_mode: int = SecurityMode.SIGNING_ENABLED
    capabilities: int = Capabilities.NONE
    contexts: tuple[Context, ...] = ()

    @classmethod
    def decode(cls, body: Buffer) -> NegotiateRequest:
        _, count, mode, _, capabilities, guid, context_offset, context_count, _ = unpack(
            _REQUEST, body, 36, "NEGOTIATE request"
        )
        raw = slice_of(body, _REQUEST.size, 2 * count, "NEGOTIATE dialects")
        dialects = tuple(int.from_bytes(raw[i : i + 2], "little") for i in range(0, 2 * count, 2))
        contexts: tuple[Context, ...] = ()
        if Dialect.SMB_3_1_1 in dialects:  # in all others these bytes are ClientStartTime
            contexts = _contexts_at(body, context_offset, context_count, _REQUEST.size)
        return cls(dialects, uuid.UUID(bytes_le=guid), mode, capabilities, contexts)

    def encode(self) -> bytes:
        dialects = b"".join(dialect.to_bytes(2, "little") for dialect in self.dialects)
        end = HEADER_SIZE + _REQUEST.size + len(dialects)
        gap = padding(end) if self.contexts else b""
        head = _REQUEST.pack(
            36,
            len(self.dialects),
            self.security_mode,
            0,
            self.capabilities,
            self.client_guid.bytes_le,
            end + len(gap) if self.contexts else 0,
            len(self.contexts),
            0,
        )
        return head + dialects + gap + encode_contexts(self.contexts)


@dataclass(frozen=True, slots=True)
class NegotiateResponse:
    """Sizes in bytes, `system_time` as FILETIME; `token` is the SPNEGO hint or empty."""

    dialect: Dialect
    server_guid: uuid.UUID
    security_mode: int = SecurityMode.SIGNING_ENABLED
    capabilities: int = Capabilities.NONE
    max_transact: int = 65536
    max_read: int = 65536
    max_write: int = 65536
    system_time: int = 0
    token: bytes = b""
    contexts: tuple[Context, ...] = ()

    @classmethod
    def decode(cls, body: Buffer) -> NegotiateResponse:
        (
            _,
            mode,
            number,
            context_count,
            guid,
            capabilities,
            max_transact,
            max_read,
            max_write,
            system_time,
            _start,
            offset,
            length,
            context_offset,
        ) = unpack(_RESPONSE, body, 65, "NEGOTIATE response")
        try:
            dialect = Dialect(number)
        except ValueError:
            raise MalformedError(f"NEGOTIATE response: dialect 0x{number:04x}") from None
        token = bytes(payload(body, offset, length, _RESPONSE.size, "NEGOTIATE token"))
        contexts: tuple[Context, ...] = ()
        if dialect is Dialect.SMB_3_1_1:
            contexts = _contexts_at(body, context_offset, context_count, _RESPONSE.size)
        return cls(
            dialect,
            uuid.UUID(bytes_le=guid),
            mode,
            capabilities,
            max_transact,
            max_read,
            max_write,
            system_time,
            token,
            contexts,
        )

    def encode(self) -> bytes:
        offset = HEADER_SIZE + _RESPONSE.size
        end = offset + len(self.token)
        gap = padding(end) if self.contexts else b""
        head = _RESPONSE.pack(
            65,
            self.security_mode,
            self.dialect,
            len(self.contexts),
            self.server_guid.bytes_le,
            self.capabilities,
            self.max_transact,
            self.max_read,
            self.max_write,
            self.system_time,
            0,
            offset,
            len(self.token),
            end + len(gap) if self.contexts else 0,
        )
        return head + self.token + gap + encode_contexts(self.contexts)


def _contexts_at(body: Buffer, offset: int, count: int, fixed: int) -> tuple[Context, ...]:
    if count == 0:
        return ()
    start = offset - HEADER_SIZE
    if start < fixed or start > len(body) or offset % 8:
        raise MalformedError(f"NegotiateContextOffset {offset} of a body of {len(body)} bytes")
    return decode_contexts(memoryview(body)[start:], count)
