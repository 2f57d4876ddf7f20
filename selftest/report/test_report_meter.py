"""A speedometer that is quick enough to see a cable come out, and calm enough to be read."""

from __future__ import annotations

import pytest

from swrap.report.meter import STALE, Meter


def fed(rate: float, until: float, every: float = 0.2) -> Meter:
    meter = Meter(0.0)
    for tick in range(1, round(until / every) + 1):
        meter.sample(tick * every, int(rate * tick * every))
    return meter


def test_a_steady_flow_shows_its_speed() -> None:
    assert fed(10e6, 4.0).rate(4.0) == pytest.approx(10e6, rel=0.01)


def test_it_rises_within_a_second() -> None:
    assert fed(10e6, 1.0).rate(1.0) > 9e6


def test_a_flow_that_stands_is_at_zero_after_a_second() -> None:
    meter = fed(10e6, 2.0)
    for tick in range(1, 6):
        meter.sample(2.0 + tick * 0.2, 20_000_000)
    assert meter.rate(3.0) == 0.0


def test_a_burst_does_not_make_it_leap() -> None:
    meter = fed(10e6, 2.0)
    meter.sample(2.01, meter.total + 1_000_000)
    assert meter.rate(2.01) < 15e6


def test_without_samples_nobody_knows_and_it_fades() -> None:
    meter = fed(10e6, 2.0)
    assert meter.rate(2.0 + STALE) == pytest.approx(10e6, rel=0.05)
    assert meter.rate(2.0 + STALE + 5) < 1e3


def test_two_samples_of_one_instant_lose_no_byte() -> None:
    meter = Meter(0.0)
    meter.sample(0.0, 500)
    meter.sample(1.0, 1000)
    assert meter.rate(1.0) == pytest.approx(1000, rel=0.1)


def test_a_counter_that_went_back_starts_anew() -> None:
    meter = fed(10e6, 2.0)
    meter.sample(2.2, 0)
    assert meter.rate(2.2) == 0.0
    assert meter.total == 0
