"""What a lease allows is what the latest word of the server says, in whatever order its words arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.client.lease import Caching, Lease
from server.client.request import TreeId
from server.wire.create_contexts import Lease as LeaseContext
from server.wire.oplock_break import LeaseBreakNotification

KEY = bytes(16)
RWH, RH = Caching.of("RWH"), Caching.of("RH")


def lease(state: Caching = Caching.NONE, epoch: int = 0) -> Lease:
    return Lease(KEY, "f", TreeId("data"), RWH, state, epoch)


def answer(state: Caching, epoch: int, flags: int = 0) -> bytes:
    return LeaseContext(KEY, state, flags, 2, epoch=epoch).encode()


def notice(left: Caching, epoch: int) -> LeaseBreakNotification:
    return LeaseBreakNotification(KEY, RWH, left, 1, epoch)


def test_letters_there_and_back() -> None:
    assert (RWH.letters, Caching.of("HR"), Caching.of("").letters) == ("RWH", RH, "")
    with pytest.raises(ValueError, match="'RX' is no lease: its letters are R, W and H"):
        Caching.of("RX")


@given(st.integers(0, 0xFFFF))
def test_a_break_that_overtakes_the_answer_to_the_open_wins(epoch: int) -> None:
    held = lease(epoch=epoch)
    assert held.broken(notice(RH, (epoch + 2) & 0xFFFF)) is RH
    held.granted(answer(RWH, (epoch + 1) & 0xFFFF))
    assert held.state is RH


def test_an_old_break_changes_nothing_and_a_repeated_one_is_obeyed_again() -> None:
    held = lease(RWH, 5)
    assert held.broken(notice(Caching.NONE, 4)) is None
    assert held.state is RWH
    assert held.broken(notice(RH, 6)) is RH
    assert held.broken(notice(RH, 6)) is RH


def test_an_open_during_a_break_gains_nothing() -> None:
    held = lease(RH, 6)
    held.granted(answer(RWH, 6, flags=2))
    assert held.state is RH


def test_every_time_reading_from_memory_ends_is_counted() -> None:
    held = lease(RWH, 1)
    held.broken(notice(RH, 2))
    assert held.lapses == 0
    held.broken(notice(Caching.NONE, 3))
    assert held.lapses == 1
    held.granted(answer(RWH, 4))
    held.lost()
    assert (held.lapses, held.state) == (2, Caching.NONE)
