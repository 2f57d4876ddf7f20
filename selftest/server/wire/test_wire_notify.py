"""CHANGE_NOTIFY and its list of changes survive the way through bytes; each entry begins on a multiple of four."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import MalformedError
from server.wire.notify import Action, Change, ChangeNotifyRequest, decode_changes, encode_changes

NAMES = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), min_size=1, max_size=40)
CHANGES = st.lists(st.builds(Change, st.sampled_from(Action), NAMES), max_size=20)


@given(CHANGES)
def test_a_list_of_changes(changes: list[Change]) -> None:
    data = encode_changes(changes)
    assert decode_changes(data) == changes
    offset = 0
    while changes and (following := int.from_bytes(data[offset : offset + 4], "little")):
        assert following % 4 == 0
        offset += following


@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_request(file_id: bytes, wanted: int, length: int) -> None:
    request = ChangeNotifyRequest(file_id, wanted, length, 1)
    assert ChangeNotifyRequest.decode(request.encode()) == request


@given(st.binary(max_size=64))
def test_any_bytes_are_a_request_or_malformed(body: bytes) -> None:
    try:
        ChangeNotifyRequest.decode(body)
    except MalformedError:
        assert len(body) < 32 or body[:2] != b"\x20\x00"


def test_an_action_that_there_is_not_is_malformed() -> None:
    data = bytearray(encode_changes([Change(Action.ADDED, "f")]))
    data[4] = 9
    with pytest.raises(MalformedError, match="no action 9"):
        decode_changes(bytes(data))
