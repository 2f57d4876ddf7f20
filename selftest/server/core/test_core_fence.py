"""What a dead channel sent late does not touch an open that has moved on (MS-SMB2 3.3.5.2.10)."""

from __future__ import annotations

import pytest

from server.core.fence import Fence, StaleError


def write(fence: Fence, sequence: int, *, replay: bool = False) -> int | None:
    return fence.admit(sequence, replay=replay, modifying=True)


def read(fence: Fence, sequence: int) -> int | None:
    return fence.admit(sequence, replay=False, modifying=False)


def moved_on() -> Fence:
    fence = Fence(0)
    ticket = write(fence, 1)
    assert ticket is not None
    fence.done(ticket)
    return fence


def test_a_write_from_before_is_refused_and_a_read_is_not() -> None:
    fence = moved_on()
    with pytest.raises(StaleError):
        write(fence, 0)
    assert read(fence, 0) is None, "served, uncounted"


def test_a_replay_from_before_is_refused_and_one_of_now_is_not() -> None:
    fence = moved_on()
    with pytest.raises(StaleError):
        write(fence, 0, replay=True)
    assert write(fence, 1, replay=True) is not None


@pytest.mark.parametrize(("ahead", "admitted"), [(0x7FFF, True), (0x8000, False), (0xFFFF, False)])
def test_half_of_all_numbers_lie_ahead(ahead: int, admitted: bool) -> None:
    fence = moved_on()
    if admitted:
        assert write(fence, 1 + ahead) is not None
    else:
        with pytest.raises(StaleError):
            write(fence, (1 + ahead) & 0xFFFF)


def test_the_number_wraps() -> None:
    fence = Fence(0xFFFF)
    assert write(fence, 0) is not None
    assert fence.sequence == 0


def test_a_replay_waits_until_what_was_under_way_is_over() -> None:
    fence = Fence(0)
    old = write(fence, 0)
    assert old is not None
    with pytest.raises(StaleError):
        write(fence, 1, replay=True)
    assert (fence.sequence, fence.outstanding, fence.before) == (1, 0, 1)
    fence.done(old)
    assert write(fence, 1, replay=True) is not None


def test_an_ordinary_write_of_the_new_sequence_need_not_wait() -> None:
    fence = Fence(0)
    assert write(fence, 0) is not None
    assert write(fence, 1) is not None
    assert (fence.outstanding, fence.before) == (1, 1)


def test_counts_return_to_zero() -> None:
    fence = Fence(0)
    tickets = [write(fence, 0), read(fence, 0), write(fence, 1), read(fence, 1)]
    for ticket in tickets:
        assert ticket is not None
        fence.done(ticket)
    assert (fence.outstanding, fence.before) == (0, 0)
