"""The three NTLM messages and the AV pairs in them (MS-NLMP 2.2.1, 2.2.2.1).

Owns their layout. Must not know passwords or what a valid response is: ``ntlm`` does. The bytes as they came
are kept with each decoded message where a proof is computed over them: nothing is ever rebuilt to be checked.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from server.wire.errors import MalformedError

MAGIC = b"NTLMSSP\0"
MIC_OFFSET = 72
MIC_END = MIC_OFFSET + 16
VERSION = bytes((6, 1, 0, 0, 0, 0, 0, 15))
"""A product version that says nothing but NTLMSSP revision 15 (2.2.2.10)."""


class NegotiateFlags(IntEnum):
    """NEGOTIATE flags (2.2.2.5), as far as anybody still sends them."""

    UNICODE = 0x0000_0001
    OEM = 0x0000_0002
    REQUEST_TARGET = 0x0000_0004
    SIGN = 0x0000_0010
    SEAL = 0x0000_0020
    NTLM = 0x0000_0200
    ANONYMOUS = 0x0000_0800
    ALWAYS_SIGN = 0x0000_8000
    TARGET_TYPE_SERVER = 0x0002_0000
    EXTENDED_SESSIONSECURITY = 0x0008_0000
    TARGET_INFO = 0x0080_0000
    VERSION = 0x0200_0000
    KEY_128 = 0x2000_0000
    KEY_EXCH = 0x4000_0000
    KEY_56 = 0x8000_0000


class AvId(IntEnum):
    """AV pair ids (2.2.2.1)."""

    EOL = 0
    NB_COMPUTER_NAME = 1
    NB_DOMAIN_NAME = 2
    DNS_COMPUTER_NAME = 3
    DNS_DOMAIN_NAME = 4
    DNS_TREE_NAME = 5
    FLAGS = 6
    TIMESTAMP = 7
    SINGLE_HOST = 8
    TARGET_NAME = 9
    CHANNEL_BINDINGS = 10


AV_FLAG_MIC = 0x2
"""In AvId.FLAGS: the AUTHENTICATE message has a MIC."""


def decode_av_pairs(data: bytes | memoryview) -> dict[int, bytes]:
    """The AV pairs up to EOL, whatever follows it (some clients add four zero bytes, some do not)."""
    pairs: dict[int, bytes] = {}
    offset = 0
    while offset + 4 <= len(data):
        av_id, length = struct.unpack_from("<HH", data, offset)
        offset += 4
        if av_id == AvId.EOL:
            return pairs
        if offset + length > len(data):
            raise MalformedError(f"NTLM AV pair {av_id} of {length} bytes, {len(data) - offset} left")
        pairs[av_id] = bytes(data[offset : offset + length])
        offset += length
    raise MalformedError("NTLM AV pairs without an end")


def encode_av_pairs(pairs: Mapping[int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HH", av_id, len(value)) + value for av_id, value in pairs.items())
    return body + bytes(4)


@dataclass(frozen=True, slots=True)
class Negotiate:
    flags: int
    raw: bytes = field(repr=False)

    @classmethod
    def decode(cls, data: bytes) -> Negotiate:
        _check(data, 1, 16)
        return cls(struct.unpack_from("<I", data, 12)[0], bytes(data))

    @classmethod
    def build(cls, flags: int) -> Negotiate:
        """With no domain and no workstation name: nobody needs them."""
        return cls(flags, MAGIC + struct.pack("<II", 1, flags) + bytes(16) + VERSION)


@dataclass(frozen=True, slots=True)
class Challenge:
    flags: int
    server_challenge: bytes
    target_name: str
    target_info: Mapping[int, bytes]
    raw: bytes = field(repr=False)

    @classmethod
    def decode(cls, data: bytes) -> Challenge:
        _check(data, 2, 48)
        flags, challenge = struct.unpack_from("<I8s", data, 20)
        info = _payload(data, 40)
        return cls(
            flags,
            challenge,
            _text(_payload(data, 12)),
            decode_av_pairs(info) if info else {},
            bytes(data),
        )

    @classmethod
    def build(
        cls,
        flags: int,
        server_challenge: bytes,
        target_name: str,
        target_info: Mapping[int, bytes],
    ) -> Challenge:
        name = target_name.encode("utf-16-le")
        info = encode_av_pairs(target_info)
        raw = b"".join(
            (
                MAGIC,
                struct.pack("<I", 2),
                _fields(len(name), 56),
                struct.pack("<I8s8x", flags, server_challenge),
                _fields(len(info), 56 + len(name)),
                VERSION,
                name,
                info,
            )
        )
        return cls(flags, server_challenge, target_name, target_info, raw)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """``mic`` is what stands at its place, whether or not the sender meant one: AvId.FLAGS tells."""

    flags: int
    user: str
    domain: str
    workstation: str
    lm_response: bytes = field(repr=False)
    nt_response: bytes = field(repr=False)
    encrypted_key: bytes = field(repr=False)
    mic: bytes
    raw: bytes = field(repr=False)

    @classmethod
    def decode(cls, data: bytes) -> Authenticate:
        _check(data, 3, 64)
        return cls(
            flags=struct.unpack_from("<I", data, 60)[0],
            user=_text(_payload(data, 36)),
            domain=_text(_payload(data, 28)),
            workstation=_text(_payload(data, 44)),
            lm_response=_payload(data, 12),
            nt_response=_payload(data, 20),
            encrypted_key=_payload(data, 52),
            mic=bytes(data[MIC_OFFSET:MIC_END]),
            raw=bytes(data),
        )

    @classmethod
    def build(
        cls,
        flags: int,
        *,
        user: str,
        domain: str,
        workstation: str,
        lm_response: bytes,
        nt_response: bytes,
        encrypted_key: bytes,
    ) -> Authenticate:
        """With a MIC of zeros: ``with_mic`` gives it its value, which covers all else."""
        parts = [
            lm_response,
            nt_response,
            domain.encode("utf-16-le"),
            user.encode("utf-16-le"),
            workstation.encode("utf-16-le"),
            encrypted_key,
        ]
        fixed = MAGIC + struct.pack("<I", 3)
        offset = MIC_END
        for part in parts:
            fixed += _fields(len(part), offset)
            offset += len(part)
        fixed += struct.pack("<I", flags) + VERSION + bytes(16)
        return cls.decode(fixed + b"".join(parts))

    @property
    def without_mic(self) -> bytes:
        """The bytes as they came with the MIC zeroed: what the MIC is computed over."""
        return self.raw[:MIC_OFFSET] + bytes(16) + self.raw[MIC_END:]

    def with_mic(self, mic: bytes) -> bytes:
        return self.raw[:MIC_OFFSET] + mic + self.raw[MIC_END:]


def _check(data: bytes, message_type: int, least: int) -> None:
    if len(data) < least or data[:8] != MAGIC:
        raise MalformedError(f"not an NTLM message: {bytes(data[:12]).hex()}")
    (got,) = struct.unpack_from("<I", data, 8)
    if got != message_type:
        raise MalformedError(f"NTLM message of type {got}, expected {message_type}")


def _fields(length: int, offset: int) -> bytes:
    return struct.pack("<HHI", length, length, offset)


def _payload(data: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", data, at)
    if length and offset + length > len(data):
        raise MalformedError(f"NTLM payload of {length} bytes at {offset}, message has {len(data)}")
    return bytes(data[offset : offset + length])


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise MalformedError(f"NTLM text: {error}") from None
