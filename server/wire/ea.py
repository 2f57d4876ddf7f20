"""Extended attributes: FILE_FULL_EA_INFORMATION and FILE_GET_EA_INFORMATION (MS-FSCC 2.4.16).

Pure values. Names are ASCII, without regard to case; an empty value stands for none.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from server.wire.buffers import Buffer, align, slice_of, unpack_at
from server.wire.errors import MalformedError

_FULL = Struct("<IBBH")
_GET = Struct("<IB")
_WHAT = "extended attributes"


def decode_full(data: Buffer) -> list[tuple[str, bytes]]:
    """In their order. MalformedError: a chain or a name that is none."""
    found: list[tuple[str, bytes]] = []
    offset = 0
    while len(data):
        following, _, name_length, value_length = unpack_at(_FULL, data, offset, _WHAT)
        start = offset + _FULL.size
        name = _name(slice_of(data, start, name_length, _WHAT))
        value = slice_of(data, start + name_length + 1, value_length, _WHAT)
        found.append((name, bytes(value)))
        if not following:
            break
        if following < _FULL.size + name_length + 1 + value_length:
            raise MalformedError(f"{_WHAT}: NextEntryOffset {following}")
        offset += following
    return found


def encode_full(attributes: Iterable[tuple[str, bytes]]) -> bytes:
    entries = [
        _FULL.pack(0, 0, len(name), len(value)) + name.encode("ascii") + b"\0" + value
        for name, value in attributes
    ]
    output = bytearray()
    for position, entry in enumerate(entries):
        if position < len(entries) - 1:
            length = align(len(entry), 4)
            entry = length.to_bytes(4, "little") + entry[4:].ljust(length - 4, b"\0")
        output += entry
    return bytes(output)


def decode_names(data: Buffer) -> list[str]:
    """Those that are asked for. MalformedError as above."""
    found: list[str] = []
    offset = 0
    while len(data):
        following, length = unpack_at(_GET, data, offset, _WHAT)
        found.append(_name(slice_of(data, offset + _GET.size, length, _WHAT)))
        if not following:
            break
        if following < _GET.size + length + 1:
            raise MalformedError(f"{_WHAT}: NextEntryOffset {following}")
        offset += following
    return found


def encode_names(names: Iterable[str]) -> bytes:
    entries = [_GET.pack(0, len(name)) + name.encode("ascii") + b"\0" for name in names]
    output = bytearray()
    for position, entry in enumerate(entries):
        if position < len(entries) - 1:
            length = align(len(entry), 4)
            entry = length.to_bytes(4, "little") + entry[4:].ljust(length - 4, b"\0")
        output += entry
    return bytes(output)


def _name(raw: memoryview) -> str:
    try:
        return bytes(raw).decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError(f"{_WHAT}: a name that is not ASCII") from error
