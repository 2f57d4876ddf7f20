"""Quantities read the same way everywhere, and what changes all the time keeps its width."""

from __future__ import annotations

import pytest

from swrap.report import units


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (65536, "64 KiB"),
        (1 << 20, "1 MiB"),
        (35232154, "33.6 MiB"),
    ],
)
def test_bytes_are_binary(count: int, text: str) -> None:
    assert units.size(count) == text


def test_a_link_is_as_fast_as_its_label_says() -> None:
    assert units.bit_rate(10_000_000_000) == "10 Gb/s"
    assert units.bit_rate(300_000_000) == "300 Mb/s"
    assert units.bit_rate(999_999_999) == "1 Gb/s"


def test_a_measured_rate_keeps_its_digits_so_that_nothing_jumps() -> None:
    widths = {len(units.byte_rate(rate)) for rate in (10e6, 10.05e6, 10.1e6, 99.9e6)}
    assert widths == {len("10.0 MB/s")}
    assert units.byte_rate(-5) == "0 B/s"


def test_a_part_is_told_in_the_unit_of_the_whole() -> None:
    assert units.part(512 << 10, 64 << 20) == "0.5 of 64 MiB"
    assert units.part(0, 0) == "0 B of 0 B"


def test_times() -> None:
    assert units.duration(0.04) == "40 ms"
    assert units.duration(0.9999) == "1.0 s"
    assert units.duration(125) == "2 min 05 s"
    assert units.clock(63.47) == "1:03.4"
    assert {len(units.moment(at)) for at in (0, 9.99, 99.99, 999.99, 3600)} == {6}


def test_nouns_are_counted() -> None:
    assert units.count(1, "flow") == "1 flow"
    assert units.count(0, "process", "processes") == "0 processes"
