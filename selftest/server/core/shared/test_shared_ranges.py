"""Byte ranges: what conflicts with what, held against the definition byte by byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.core.shared.ranges import Lock, decode, encode, forbids, in_the_way, overlap, without

SMALL = st.integers(0, 8)
LOCKS = st.builds(Lock, st.integers(1, 3), SMALL, SMALL, st.booleans())


def covers(lock: Lock) -> set[int]:
    return set(range(lock.start, lock.start + lock.length))


@given(LOCKS, LOCKS)
def test_ranges_overlap_where_they_share_a_byte(one: Lock, other: Lock) -> None:
    assert overlap(one, other) == overlap(other, one)
    if one.length and other.length:
        assert overlap(one, other) == bool(covers(one) & covers(other))


@given(LOCKS, SMALL)
def test_an_empty_range_lies_between_two_bytes(lock: Lock, at: int) -> None:
    empty = Lock(9, at, 0, True)
    assert overlap(lock, empty) == ({at - 1, at} <= covers(lock))


@given(st.lists(LOCKS, max_size=5), LOCKS)
def test_only_shared_locks_lie_on_each_other_but_for_a_shared_one_on_ones_own(
    held: list[Lock], wanted: Lock
) -> None:
    found = in_the_way(held, wanted)
    clashes = [
        lock
        for lock in held
        if overlap(lock, wanted)
        and not (not wanted.exclusive and (not lock.exclusive or lock.open == wanted.open))
    ]
    assert (found is None) == (not clashes)


def test_who_may_read_and_write_below_locks() -> None:
    exclusive, shared = Lock(1, 0, 10, True), Lock(1, 20, 10, False)
    held = [exclusive, shared]
    assert not forbids(held, Lock(1, 0, 5, True)), "one's own exclusive lock"
    assert forbids(held, Lock(2, 0, 5, False)), "another's may not even be read"
    assert not forbids(held, Lock(2, 20, 5, False)), "a shared one may be read"
    assert forbids(held, Lock(1, 20, 5, True)), "and not be written by its own holder either"
    assert not forbids(held, Lock(2, 5, 0, True)), "no byte, no conflict"


@given(st.lists(LOCKS, max_size=5))
def test_what_is_unlocked_is_one_lock_of_exactly_that_range(held: list[Lock]) -> None:
    assert decode(encode(held)) == held
    for lock in held:
        rest = without(held, lock)
        assert rest is not None
        assert len(rest) == len(held) - 1
    assert without(held, Lock(1, 100, 1, True)) is None
