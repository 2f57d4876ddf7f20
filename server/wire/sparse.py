"""Sparse files: the payloads of their control codes (MS-FSCC 2.3.35, 2.3.67, 2.3.71, 2.3.73).

Pure values. A range is (offset, length) in bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from server.wire.buffers import Buffer, unpack_at
from server.wire.errors import MalformedError

_PAIR = Struct("<QQ")
_TRIM = Struct("<II")

Range = tuple[int, int]
RANGE_SIZE = _PAIR.size


def decode_range(data: Buffer) -> Range:
    """FILE_ALLOCATED_RANGE_BUFFER."""
    offset, length = unpack_at(_PAIR, data, 0, "FILE_ALLOCATED_RANGE_BUFFER")
    return offset, length


def decode_ranges(data: Buffer) -> list[Range]:
    """As many as there are. MalformedError: a part of one."""
    if len(data) % _PAIR.size:
        raise MalformedError(f"FILE_ALLOCATED_RANGE_BUFFER: {len(data)} bytes")
    return [(offset, length) for offset, length in _PAIR.iter_unpack(data)]


def encode_ranges(ranges: Iterable[Range]) -> bytes:
    return b"".join(_PAIR.pack(offset, length) for offset, length in ranges)


def decode_zero_data(data: Buffer) -> Range:
    """FILE_ZERO_DATA_INFORMATION, which gives the ends. MalformedError: they are the wrong way round."""
    offset, beyond = unpack_at(_PAIR, data, 0, "FILE_ZERO_DATA_INFORMATION")
    if beyond < offset:
        raise MalformedError("FILE_ZERO_DATA_INFORMATION: ends before it begins")
    return offset, beyond - offset


def encode_zero_data(offset: int, length: int) -> bytes:
    return _PAIR.pack(offset, offset + length)


def decode_trim(data: Buffer) -> list[Range]:
    """FILE_LEVEL_TRIM. MalformedError: fewer ranges than it says."""
    _, count = unpack_at(_TRIM, data, 0, "FILE_LEVEL_TRIM")
    if len(data) < _TRIM.size + count * _PAIR.size:
        raise MalformedError(f"FILE_LEVEL_TRIM: {count} ranges in {len(data)} bytes")
    return decode_ranges(memoryview(data)[_TRIM.size : _TRIM.size + count * _PAIR.size])


def encode_trim(ranges: list[Range]) -> bytes:
    return _TRIM.pack(0, len(ranges)) + encode_ranges(ranges)
