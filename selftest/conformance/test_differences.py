"""The list of differences speaks of promises and back ends that there are."""

from __future__ import annotations

import pytest

from selftest.conformance import portable, test_around, test_datagrams, test_streams
from selftest.conformance.backends import BACKENDS
from selftest.conformance.differences import DIFFERENCES, Difference, expected

PROMISES = {
    *test_streams.PROMISES,
    *test_datagrams.PROMISES,
    *test_around.EVERY,
    *test_around.SILENCE,
    *portable.PROMISES,
}


@pytest.mark.parametrize("one", DIFFERENCES, ids=lambda one: f"{one.backend} {one.promise}")
def test_a_difference_is_between_things_that_exist(one: Difference) -> None:
    assert one.promise in PROMISES
    assert one.backend in {"fake", *BACKENDS}
    assert one.family in (None, "ipv4", "ipv6")
    assert one.reason


def test_no_promise_is_listed_twice_for_one_back_end() -> None:
    assert all(expected(one.promise, one.backend, one.family or "ipv4") is one for one in DIFFERENCES)
