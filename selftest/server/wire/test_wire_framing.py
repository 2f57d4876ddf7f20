"""The length prefix says where the next message begins, or that there is no way to tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import FramingError
from server.wire.framing import length_of, prefix


@given(st.integers(0, 0xFFFFFF), st.binary(max_size=5))
def test_a_length_reads_back(length: int, before: bytes) -> None:
    assert length_of(before + prefix(length), start=len(before)) == length


def test_a_keep_alive_has_no_message() -> None:
    assert length_of(b"\x85\0\0\0") is None


@pytest.mark.parametrize("limit", [0x10000, 0xFFFF_FFFF])
@pytest.mark.parametrize("raw", [b"\x85\0\0\1", b"\x81\0\0\4", b"GET ", b"\1\0\0\0"])
def test_another_type_is_fatal(raw: bytes, limit: int) -> None:
    with pytest.raises(FramingError, match=f"type 0x{raw[0]:02x}") as refused:
        length_of(raw, limit)
    assert refused.value.fatal


def test_so_is_a_length_above_the_limit() -> None:
    with pytest.raises(FramingError, match="65537 bytes, more than 65536") as refused:
        length_of(b"\0\1\0\1", 0x10000)
    assert refused.value.fatal


def test_what_does_not_fit_24_bits_is_not_sent() -> None:
    with pytest.raises(FramingError):
        prefix(1 << 24)
