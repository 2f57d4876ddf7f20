"""Sizes, rates and times mean what people mean by them, and a wrong unit is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.document import units


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.size, "64MiB", 64 << 20),
        (units.size, "10MB", 10_000_000),
        (units.size, "4096", 4096),
        (units.size, 4096, 4096),
        (units.size, "1.5 KiB", 1536),
        (units.size, "7B", 7),
        (units.rate, "10G", 10**10),
        (units.rate, "300M", 3 * 10**8),
        (units.rate, "80Mbit/s", 8 * 10**7),
        (units.rate, "2.5Gbps", 25 * 10**8),
        (units.rate, 1000, 1000),
        (units.duration, "3s", 3.0),
        (units.duration, "250ms", 0.25),
        (units.duration, "2m", 120.0),
        (units.duration, 1.5, 1.5),
        (units.duration, "0.5", 0.5),
    ],
)
def test_units_are_understood(parse, text, value) -> None:  # type: ignore[no-untyped-def]
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (units.size, "64MIB", "unknown unit 'MIB' of a size; did you mean 'MiB'?"),
        (units.size, "64M", "did you mean 'MB'?"),
        (units.size, "much", "'much' is not a size: write 64MiB"),
        (units.size, -1, "a size is not negative"),
        (units.size, True, "true is not a size"),
        (units.size, "0.5B", "not a whole number of bytes"),
        (units.rate, "10MB/s", "counts bytes; a rate is in bits per second"),
        (units.rate, "10g", "did you mean 'G'?"),
        (units.duration, "3sec", "unknown unit 'sec' of a time"),
        (units.duration, "soon", "'soon' is not a time: write 3s"),
    ],
)
def test_what_is_no_unit_is_refused_with_advice(parse, text, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what the test is about
        parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (units.show_size(64 << 20), "64 MiB"),
        (units.show_size(1536), "1.5 KiB"),
        (units.show_size(999), "999 B"),
        (units.show_size(1000), "1.0 KiB"),
        (units.show_rate(80_000_000), "80 Mb/s"),
        (units.show_rate(10**10), "10 Gb/s"),
        (units.show_duration(0.25), "250 ms"),
        (units.show_duration(6.71), "6.7 s"),
        (units.show_duration(90), "90 s"),
    ],
)
def test_numbers_are_shown_short_with_their_unit(shown: str, text: str) -> None:
    assert shown == text


@given(st.integers(0, 2**60))
def test_a_plain_number_is_itself_in_every_unit(number: int) -> None:
    assert units.size(number) == units.size(str(number)) == units.rate(str(number)) == number
