"""A client may use each granted MessageId once, in any order, and is never left without a credit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.core.window import SequenceWindow


def test_a_new_connection_has_the_one_id_zero() -> None:
    window = SequenceWindow(512)
    assert not window.consume(1, 1)
    assert window.consume(0, 1)
    assert not window.consume(0, 1)


def test_ids_may_come_out_of_order_but_once_each() -> None:
    window = SequenceWindow(512)
    window.consume(0, 1)
    window.grant(8)
    assert window.consume(5, 2)
    assert window.consume(1, 1)
    assert not window.consume(6, 1)
    assert not window.consume(4, 2), "a range that reaches into used ids"
    assert window.consume(2, 3)
    assert (window.low, window.available) == (7, 2)


def test_a_client_without_credits_gets_one_even_if_it_asks_for_none() -> None:
    window = SequenceWindow(512)
    window.consume(0, 1)
    assert window.grant(0) == 1


def test_ids_that_are_skipped_do_not_let_the_window_grow_without_bound() -> None:
    window = SequenceWindow(16)
    window.consume(0, 1)
    window.grant(16)
    for message_id in range(2, 200):  # id 1 is never used
        if not window.consume(message_id, 1):
            break
        window.grant(16)
    assert window.high - window.low <= 32


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4), st.integers(0, 20)), max_size=60))
def test_it_agrees_with_a_set_of_ids(steps: list[tuple[int, int, int]]) -> None:
    window = SequenceWindow(32)
    free = {0}
    top = 1
    for message_id, charge, wanted in steps:
        ids = set(range(message_id, message_id + charge))
        assert window.consume(message_id, charge) == (ids <= free)
        if ids <= free:
            free -= ids
        given_now = window.grant(wanted)
        free |= set(range(top, top + given_now))
        top += given_now
        assert window.available == len(free) > 0
