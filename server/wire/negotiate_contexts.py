"""Negotiate contexts of SMB 3.1.1 (MS-SMB2 2.2.3.1, 2.2.4.1), one list layout for request and response.
 Pure values. A response's context is the same value with one entry in it. Unknown types stay raw: they are to
be ignored, not refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import TypeVar

from server.wire.buffers import Buffer, aligned_chain, slice_of, text, unpack_at, utf16
from server.wire.errors import MalformedError

_HEADER = Struct("<HHI")
_PREAUTH = Struct("<HH")
_COUNT = Struct("<H")
_COMPRESSION = Struct("<HHI")
_FLAGS = Struct("<I")


class ContextType(IntEnum):
    PREAUTH_INTEGRITY = 1
    ENCRYPTION = 2
    COMPRESSION = 3
    NETNAME = 5
    TRANSPORT = 6
    RDMA_TRANSFORM = 7
    SIGNING = 8


class HashAlgorithm(IntEnum):
    SHA_512 = 1


class Cipher(IntEnum):
    NONE = 0
    AES_128_CCM = 1
    AES_128_GCM = 2
    AES_256_CCM = 3
    AES_256_GCM = 4


@dataclass(frozen=True, slots=True)
class PreauthIntegrity:
    algorithms: tuple[int, ...]
    salt: bytes

    @classmethod
    def decode(cls, data: Buffer) -> PreauthIntegrity:
        count, salt_length = unpack_at(_PREAUTH, data, 0, "PREAUTH_INTEGRITY")
        algorithms = _numbers(data, _PREAUTH.size, count, "PREAUTH_INTEGRITY")
        return cls(
            algorithms,
            bytes(slice_of(data, _PREAUTH.size + 2 * count, salt_length, "PREAUTH_INTEGRITY salt")),
        )

    def encode(self) -> bytes:
        return _PREAUTH.pack(len(self.algorithms), len(self.salt)) + _packed(self.algorithms) + self.salt


@dataclass(frozen=True, slots=True)
class Encryption:
    ciphers: tuple[int, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Encryption:
        (count,) = unpack_at(_COUNT, data, 0, "ENCRYPTION")
        return cls(_numbers(data, _COUNT.size, count, "ENCRYPTION"))

    def encode(self) -> bytes:
        return _COUNT.pack(len(self.ciphers)) + _packed(self.ciphers)


@dataclass(frozen=True, slots=True)
class Compression:
    """`flags` 1: chained compression."""

    algorithms: tuple[int, ...]
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> Compression:
        count, _, flags = unpack_at(_COMPRESSION, data, 0, "COMPRESSION")
        return cls(_numbers(data, _COMPRESSION.size, count, "COMPRESSION", least=1), flags)

    def encode(self) -> bytes:
        return _COMPRESSION.pack(len(self.algorithms), 0, self.flags) + _packed(self.algorithms)


@dataclass(frozen=True, slots=True)
class NetName:
    name: str

    @classmethod
    def decode(cls, data: Buffer) -> NetName:
        return cls(text(data, "NETNAME"))

    def encode(self) -> bytes:
        return utf16(self.name)


@dataclass(frozen=True, slots=True)
class Transport:
    flags: int

    @classmethod
    def decode(cls, data: Buffer) -> Transport:
        return cls(unpack_at(_FLAGS, data, 0, "TRANSPORT")[0])

    def encode(self) -> bytes:
        return _FLAGS.pack(self.flags)


@dataclass(frozen=True, slots=True)
class RdmaTransform:
    transforms: tuple[int, ...]

    @classmethod
    def decode(cls, data: Buffer) -> RdmaTransform:
        count, _, _ = unpack_at(_COMPRESSION, data, 0, "RDMA_TRANSFORM")
        return cls(_numbers(data, _COMPRESSION.size, count, "RDMA_TRANSFORM", least=1))

    def encode(self) -> bytes:
        return _COMPRESSION.pack(len(self.transforms), 0, 0) + _packed(self.transforms)


@dataclass(frozen=True, slots=True)
class Signing:
    algorithms: tuple[int, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Signing:
        (count,) = unpack_at(_COUNT, data, 0, "SIGNING")
        return cls(_numbers(data, _COUNT.size, count, "SIGNING", least=1))

    def encode(self) -> bytes:
        return _COUNT.pack(len(self.algorithms)) + _packed(self.algorithms)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that this codec does not know, as it came."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        return self.data


Context = (
    PreauthIntegrity | Encryption | Compression | NetName | Transport | RdmaTransform | Signing | Unknown
)

_TYPES: dict[
    int, type[PreauthIntegrity | Encryption | Compression | NetName | Transport | RdmaTransform | Signing]
] = {
    ContextType.PREAUTH_INTEGRITY: PreauthIntegrity,
    ContextType.ENCRYPTION: Encryption,
    ContextType.COMPRESSION: Compression,
    ContextType.NETNAME: NetName,
    ContextType.TRANSPORT: Transport,
    ContextType.RDMA_TRANSFORM: RdmaTransform,
    ContextType.SIGNING: Signing,
}
_NUMBERS = {kind: number for number, kind in _TYPES.items()}

_AT_MOST_ONCE = (PreauthIntegrity, Encryption, Compression, RdmaTransform, Signing)

C = TypeVar("C", PreauthIntegrity, Encryption, Compression, NetName, Transport, RdmaTransform, Signing)


def decode_contexts(data: Buffer, count: int) -> tuple[Context, ...]:
    """`count` contexts from the start of `data`, in their order.

    MalformedError: one does not fit, or a type that may come once comes twice (3.3.5.4).
    """
    contexts: list[Context] = []
    offset = 0
    for _ in range(count):
        offset += -offset % 8
        number, length, _ = unpack_at(_HEADER, data, offset, "negotiate context")
        value = slice_of(data, offset + _HEADER.size, length, "negotiate context data")
        offset += _HEADER.size + length
        known = _TYPES.get(number)
        contexts.append(known.decode(value) if known else Unknown(number, bytes(value)))
    for kind in _AT_MOST_ONCE:
        if sum(isinstance(context, kind) for context in contexts) > 1:
            raise MalformedError(f"negotiate context {kind.__name__} comes more than once")
    return tuple(contexts)


def encode_contexts(contexts: Iterable[Context]) -> bytes:
    def one(context: Context) -> bytes:
        data = context.encode()
        number = context.type if isinstance(context, Unknown) else _NUMBERS[type(context)]
        return _HEADER.pack(number, len(data), 0) + data

    return aligned_chain(map(one, contexts))


def find(contexts: Iterable[Context], kind: type[C]) -> C | None:
    """The context of that kind, if there is one."""
    for context in contexts:
        if isinstance(context, kind):
            return context
    return None


def _numbers(data: Buffer, offset: int, count: int, name: str, least: int = 0) -> tuple[int, ...]:
    if count < least:
        raise MalformedError(f"{name}: a list of {count}")
    raw = slice_of(data, offset, 2 * count, name)
    return tuple(int.from_bytes(raw[i : i + 2], "little") for i in range(0, 2 * count, 2))


def _packed(numbers: tuple[int, ...]) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)
