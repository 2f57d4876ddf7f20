"""What is kept of a file is what it holds, whatever is read, written, written back and forgotten, in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.client import contents as module
from server.client.contents import PAGE, Contents

OFFSETS = st.integers(0, 5 * PAGE // 1000).map(lambda n: n * 1000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), OFFSETS, st.integers(1, 2 * PAGE)),
        st.tuples(st.just("through"), OFFSETS, st.integers(1, 2 * PAGE)),
        st.tuples(st.just("read"), OFFSETS, st.integers(0, 3 * PAGE)),
        st.tuples(st.sampled_from(["flush", "forget"]), st.just(0), st.just(0)),
    ),
    max_size=25,
)


def put(file: bytearray, offset: int, data: bytes) -> None:
    file.extend(bytes(max(0, offset + len(data) - len(file))))
    file[offset : offset + len(data)] = data


@given(st.integers(0, 3 * PAGE), STEPS, st.booleans())
def test_against_a_plain_array(size: int, steps: list[tuple[str, int, int]], small: bool) -> None:
    module.MOST_PAGES, before = (4 if small else module.MOST_PAGES), module.MOST_PAGES
    try:
        server = bytearray(n % 251 for n in range(size))
        whole, kept = bytearray(server), Contents(size)
        for number, (what, offset, length) in enumerate(steps):
            data = bytes([number + 1]) * length
            if what == "write":
                kept.write(offset, data)
                put(whole, offset, data)
            elif what == "through" and not kept.unwritten:
                put(server, offset, data)
                put(whole, offset, data)
                kept.written(offset, data)
            elif what == "flush":
                for at, piece in kept.leaving():
                    put(server, at, piece)
                kept.left()
                assert server == whole
            elif what == "forget":
                kept.forget(len(server))
            elif what == "read":
                for page in kept.missing(offset, length):
                    kept.fill(page, bytes(server[page * PAGE : (page + 1) * PAGE]))
                assert kept.read(offset, length) == whole[offset : offset + length]
            assert kept.size == len(whole)
    finally:
        module.MOST_PAGES = before


def test_what_could_not_be_written_is_lost_and_no_trace_of_it_is_read() -> None:
    kept = Contents(4)
    kept.fill(0, b"abcd")
    kept.write(2, b"xxxx")
    kept.leaving()
    kept.write(6, b"yy")
    kept.lose()
    assert (kept.size, kept.unwritten, kept.missing(0, 10)) == (4, 0, [0])


def test_what_was_on_its_way_when_somebody_gave_up_waiting_is_written_again() -> None:
    kept = Contents(0)
    kept.write(0, b"one")
    kept.leaving()
    kept.write(1, b"two")
    assert [(offset, bytes(data)) for offset, data in kept.leaving()] == [(0, b"one"), (1, b"two")]
    kept.left()
    assert (kept.unwritten, kept.size) == (0, 4)


def test_what_is_about_to_be_read_is_not_what_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAGES", 2)
    kept = Contents(9 * PAGE)
    kept.fill(0, b"0" * PAGE)
    kept.fill(8, b"8" * PAGE)
    assert kept.missing(0, 2 * PAGE) == [1]
    kept.fill(1, b"1" * PAGE)
    assert kept.read(0, 2 * PAGE) == b"0" * PAGE + b"1" * PAGE


def test_writes_one_after_the_other_leave_as_one() -> None:
    kept = Contents(0)
    for number in range(100):
        kept.write(number * 10, bytes([number]) * 10)
    [(offset, data)] = kept.leaving()
    assert (offset, len(data), kept.unwritten) == (0, 1000, 1000)
