"""An event survives its way through a file, and a line that is none is named."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.events import Event, decode, encode, read_lines

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
events = st.builds(
    Event,
    st.integers(0, 10**12).map(lambda micro: micro / 10**6),
    st.text(),
    st.text(),
    st.dictionaries(st.text(), json_values, max_size=3),
)


@given(event=events)
def test_what_is_encoded_is_decoded(event: Event) -> None:
    line = encode(event)
    assert "\n" not in line
    assert decode(line) == event


def test_a_line_reads_as_documented() -> None:
    event = Event(1.25, "link-down", "network", {"interface": "server.eth0", "flows": 2})
    assert encode(event) == (
        '{"at":1.25,"kind":"link-down","source":"network","data":{"interface":"server.eth0","flows":2}}'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "not a line of JSON"),
        ("[]", "an event is an object"),
        ('{"at":"now","kind":"a","source":"b","data":{}}', "`at` is a number of seconds, not 'now'"),
        ('{"at":true,"kind":"a","source":"b","data":{}}', "`at` is a number"),
        ('{"at":1,"kind":5,"source":"b","data":{}}', "a `kind` and a `source`"),
        ('{"at":1,"kind":"a","source":"b","data":[]}', "`data` is an object, not []"),
    ],
)
def test_a_line_that_is_no_event_says_why(line: str, message: str) -> None:
    with pytest.raises(ValueError, match="line 2: ") as caught:
        list(read_lines(io.StringIO(encode(Event(0, "a", "b")) + "\n" + line + "\n")))
    assert message in str(caught.value)


def test_empty_lines_are_nothing() -> None:
    first, last = Event(0, "a", "b"), Event(1, "c", "d", {"x": [1]})
    stream = io.StringIO(f"{encode(first)}\n\n{encode(last)}\n")
    assert list(read_lines(stream)) == [first, last]
