"""DCE/RPC, connection-oriented: the PDUs that a client of an unauthenticated pipe sends and gets (C706 12.6; MS-RPCE
2.2.2).

Owns the bytes of the PDUs, little-endian, NDR 2.0. Pure values: what an interface does is the affair of
`server.core.pipes`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import Buffer, padding, slice_of, unpack_at
from server.wire.errors import MalformedError

_HEADER = Struct("<BBBB4sHHI")
_BIND = Struct("<HHIBBH")
_ELEMENT = Struct("<HBB")
_SYNTAX = Struct("<16sI")
_ACK = Struct("<HHIH")
_COUNT = Struct("<BBH")
_RESULT = Struct("<HH")
_REQUEST = Struct("<IHH")
_RESPONSE = Struct("<IHBB")
_FAULT = Struct("<IHBBII")
_NAK = Struct("<HBBB")
_LITTLE_ENDIAN = b"\x10\0\0\0"
HEADER_SIZE = _HEADER.size
NDR = (uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
Syntax = tuple[uuid.UUID, int]


class Kind(IntEnum):
    REQUEST = 0
    RESPONSE = 2
    FAULT = 3
    BIND = 11
    BIND_ACK = 12
    BIND_NAK = 13
    ALTER_CONTEXT = 14
    ALTER_CONTEXT_RESPONSE = 15


class Part(IntEnum):
    FIRST = 1
    LAST = 2
    OBJECT = 0x80


class Fault(IntEnum):
    OPERATION_RANGE = 0x1C01_0002
    UNKNOWN_INTERFACE = 0x1C01_0003
    BAD_STUB = 0x0000_06F7
    PROTOCOL = 0x1C01_000B


class Result(IntEnum):
    """Of one presentation context."""

    ACCEPTED = 0
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Pdu:
    """One fragment; `body` follows the header."""

    kind: int
    parts: int
    call: int
    body: memoryview

    @classmethod
    def decode(cls, data: Buffer) -> Pdu:
        """MalformedError: not one, of another version, or authenticated, which is not served."""
        version, _, kind, parts, order, length, authenticated, call = unpack_at(
            _HEADER, data, 0, "RPC header"
        )
        if version != 5 or order[:1] != _LITTLE_ENDIAN[:1] or authenticated or length < HEADER_SIZE:
            raise MalformedError("RPC header")
        return cls(kind, parts, call, slice_of(data, HEADER_SIZE, length - HEADER_SIZE, "RPC body"))


def length_of(data: Buffer) -> int:
    """Of the PDU that begins there."""
    length: int = unpack_at(_HEADER, data, 0, "RPC header")[5]
    if length < HEADER_SIZE:
        raise MalformedError("RPC fragment length")
    return length


def pdu(kind: Kind, call: int, body: bytes, parts: int = Part.FIRST | Part.LAST) -> bytes:
    return _HEADER.pack(5, 0, kind, parts, _LITTLE_ENDIAN, HEADER_SIZE + len(body), 0, call) + body


@dataclass(frozen=True, slots=True)
class Bind:
    """`contexts`: (id, interface, transfer syntaxes) each. `receives`: bytes of a fragment that it takes."""

    receives: int
    contexts: tuple[tuple[int, Syntax, tuple[Syntax, ...]], ...]

    @classmethod
    def decode(cls, body: Buffer) -> Bind:
        _, receives, _, count, _, _ = unpack_at(_BIND, body, 0, "RPC bind")
        contexts, at = [], _BIND.size
        for _ in range(count):
            number, transfers, _ = unpack_at(_ELEMENT, body, at, "RPC context")
            at += _ELEMENT.size
            syntaxes = [_syntax(body, at + _SYNTAX.size * n) for n in range(1 + transfers)]
            at += _SYNTAX.size * len(syntaxes)
            contexts.append((number, syntaxes[0], tuple(syntaxes[1:])))
        return cls(receives, tuple(contexts))

    def encode(self) -> bytes:
        body = _BIND.pack(self.receives, self.receives, 0, len(self.contexts), 0, 0)
        for number, interface, transfers in self.contexts:
            body += _ELEMENT.pack(number, len(transfers), 0)
            body += b"".join(_SYNTAX.pack(one.bytes_le, version) for one, version in (interface, *transfers))
        return body


def bind_ack(fragment: int, address: str, results: Iterator[Result]) -> bytes:
    """The body that answers a bind: one result for each context."""
    name = address.encode() + b"\0"
    body = _ACK.pack(fragment, fragment, 1, len(name)) + name
    body += padding(HEADER_SIZE + len(body), 4)
    listed = list(results)
    body += _COUNT.pack(len(listed), 0, 0)
    for result in listed:
        syntax = _SYNTAX.pack(NDR[0].bytes_le, NDR[1]) if result is Result.ACCEPTED else bytes(_SYNTAX.size)
        body += _RESULT.pack(result, 0 if result is Result.ACCEPTED else 2) + syntax
    return body


def bind_nak() -> bytes:
    return _NAK.pack(0, 1, 5, 0)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or a fragment of one."""

    context: int
    operation: int
    stub: memoryview

    @classmethod
    def decode(cls, message: Pdu) -> Call:
        _, context, operation = unpack_at(_REQUEST, message.body, 0, "RPC request")
        start = _REQUEST.size + (16 if message.parts & Part.OBJECT else 0)
        if start > len(message.body):
            raise MalformedError("RPC request")
        return cls(context, operation, message.body[start:])

    def encode(self) -> bytes:
        return _REQUEST.pack(len(self.stub), self.context, self.operation) + bytes(self.stub)


def response(call: int, context: int, stub: bytes, fragment: int) -> bytes:
    """The PDUs of an answer, none longer than `fragment` bytes."""
    room = max(fragment - HEADER_SIZE - _RESPONSE.size, 8) // 8 * 8
    pieces = [stub[at : at + room] for at in range(0, len(stub), room)] or [b""]
    whole = bytearray()
    for number, piece in enumerate(pieces):
        parts = (Part.FIRST if number == 0 else 0) | (Part.LAST if number == len(pieces) - 1 else 0)
        whole += pdu(Kind.RESPONSE, call, _RESPONSE.pack(len(stub), context, 0, 0) + piece, parts)
    return bytes(whole)


def fault(call: int, context: int, status: Fault) -> bytes:
    return pdu(Kind.FAULT, call, _FAULT.pack(0, context, 0, 0, status, 0))


def _syntax(body: Buffer, at: int) -> Syntax:
    raw, version = unpack_at(_SYNTAX, body, at, "RPC syntax")
    return uuid.UUID(bytes_le=raw), version
