"""The three forms of OPLOCK_BREAK survive the way through bytes, and an acknowledgment tells which it is by its size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import MalformedError
from server.wire.oplock_break import (
    LeaseBreak,
    LeaseBreakNotification,
    OplockBreak,
    decode_acknowledgment,
)

KEYS = st.binary(min_size=16, max_size=16)
STATES = st.integers(0, 7)


@given(KEYS, STATES, STATES, st.integers(0, 1), st.integers(0, 0xFFFF))
def test_a_lease_break_notification(key: bytes, current: int, new: int, flags: int, epoch: int) -> None:
    told = LeaseBreakNotification(key, current, new, flags, epoch)
    assert len(told.encode()) == 44
    assert LeaseBreakNotification.decode(told.encode()) == told


@given(KEYS, st.integers(0, 255), STATES)
def test_the_size_tells_an_oplock_from_a_lease(key: bytes, level: int, state: int) -> None:
    assert decode_acknowledgment(OplockBreak(key, level).encode()) == OplockBreak(key, level)
    assert decode_acknowledgment(LeaseBreak(key, state).encode()) == LeaseBreak(key, state)


@given(st.binary(max_size=64))
def test_anything_else_is_malformed(body: bytes) -> None:
    try:
        decode_acknowledgment(body)
    except MalformedError:
        return
    assert int.from_bytes(body[:2], "little") in (24, 36)


def test_a_short_one_is_malformed() -> None:
    with pytest.raises(MalformedError):
        decode_acknowledgment(LeaseBreak(bytes(16), 1).encode()[:-1])
