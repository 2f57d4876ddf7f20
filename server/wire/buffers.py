"""What all body codecs share: bounds-checked slices, UTF-16, 8-byte alignment.
 Owns no message. A body begins right after the 64-byte header, while the offsets in it count from the
header's first byte: `payload` knows that. Everything a peer can get wrong ends in `MalformedError`. Called by
the codecs alone.
"""

from __future__ import annotations

from codecs import utf_16_le_decode
from collections.abc import Iterable
from struct import Struct
from typing import Any

from server.wire.errors import MalformedError

Buffer = bytes | bytearray | memoryview

HEADER_SIZE = 64
"""Where a body begins, counted as the offsets in it count."""

EMPTY = memoryview(b"")


def unpack(layout: Struct, body: Buffer, structure_size: int, name: str) -> tuple[Any, ...]:
    """The fixed part of a body, whose first field is its StructureSize. MalformedError: too short, or another
    size.
    """
    if len(body) < layout.size:
        raise MalformedError(f"{name}: {len(body)} bytes, need {layout.size}")
    fields = layout.unpack_from(body)
    if fields[0] != structure_size:
        raise MalformedError(f"{name}: StructureSize {fields[0]}, not {structure_size}")
    return fields


def unpack_at(layout: Struct, data: Buffer, offset: int, name: str) -> tuple[Any, ...]:
    """The fields at `offset` of a buffer. MalformedError: they do not fit."""
    if offset < 0 or offset + layout.size > len(data):
        raise MalformedError(f"{name}: {len(data)} bytes, need {layout.size} at {offset}")
    return layout.unpack_from(data, offset)


def slice_of(data: Buffer, offset: int, length: int, name: str) -> memoryview:
    """`length` bytes at `offset` of a buffer, without a copy. MalformedError: out of bounds."""
    if length == 0:
        return EMPTY
    if offset < 0 or offset + length > len(data):
        raise MalformedError(f"{name}: {length} bytes at {offset} of {len(data)}")
    return memoryview(data)[offset : offset + length]


def payload(body: Buffer, offset: int, length: int, fixed: int, name: str) -> memoryview:
    """The variable part that a body points to: `offset` counts from the header, `fixed` bytes of body come
    first.
    """
    if length == 0:
        return EMPTY
    begin = offset - HEADER_SIZE
    if begin < fixed:
        raise MalformedError(f"{name}: offset {offset} lies in the fixed part")
    if begin + length > len(body):
        raise MalformedError(f"{name}: {length} bytes at {begin} of {len(body)}")
    return memoryview(body)[begin : begin + length]


def text(data: Buffer, name: str) -> str:
    """UTF-16LE without terminator. Lone surrogates pass: they carry file names that are no UTF-8 (see PEP
    383).
    """
    if len(data) % 2:
        raise MalformedError(f"{name}: UTF-16 of {len(data)} bytes")
    return utf_16_le_decode(data, "surrogatepass", True)[
        0
    ]  # what `decode` ends in, once it has found the codec


def utf16(value: str) -> bytes:
    """The inverse of `text`."""
    return value.encode("utf-16-le", "surrogatepass")


def padding(length: int, alignment: int = 8) -> bytes:
    """The zero bytes that bring `length` to a multiple of `alignment`."""
    return bytes(-length % alignment)


def align(length: int, alignment: int = 8) -> int:
    return length + -length % alignment


def aligned_chain(elements: Iterable[bytes], alignment: int = 8) -> bytes:
    """The elements in a row, each but the last padded: how negotiate contexts lie in their list."""
    chain = bytearray()
    for element in elements:
        chain += padding(len(chain), alignment)
        chain += element
    return bytes(chain)
