"""A file's record survives the way through the store's bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.core.shared.records import (
    Durability,
    FileRecord,
    Grant,
    OpenRecord,
    oplock_holder,
    pack_key,
    unpack_key,
)

NUMBERS = st.integers(1, 2**63 - 1)
OPENS = st.builds(
    OpenRecord,
    id=NUMBERS,
    owner=st.text("abcdef0123456789", max_size=16),
    pid=st.integers(0, 2**22),
    client=st.uuids().map(lambda guid: guid.hex),
    user=st.text(max_size=8),
    share=st.text(max_size=8),
    path=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    access=st.integers(0, 2**32 - 1),
    share_access=st.integers(0, 7),
    delete_on_close=st.booleans(),
    holder=NUMBERS.map(oplock_holder),
    durable=st.none() | st.builds(Durability, st.integers(1, 2), NUMBERS, st.just("ab")),
    expires=NUMBERS,
    position=NUMBERS,
)
GRANTS = st.builds(
    Grant,
    holder=NUMBERS.map(oplock_holder),
    state=st.integers(0, 7),
    version=st.integers(0, 2),
    epoch=st.integers(0, 0xFFFF),
    breaking=st.none() | st.integers(0, 7),
    wanted=st.integers(0, 7),
)


@given(st.lists(OPENS, max_size=3), st.lists(GRANTS, max_size=3), st.booleans(), st.booleans())
def test_a_record_comes_back_as_it_was(
    opens: list[OpenRecord], grants: list[Grant], pending: bool, locked: bool
) -> None:
    by_id, by_holder = {one.id: one for one in opens}, {one.holder: one for one in grants}
    file = FileRecord(by_id, by_holder, pending, ["w1"], locked)
    assert FileRecord.decode(file.encode()) == file


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_so_does_its_key(device: int, inode: int) -> None:
    assert unpack_key(pack_key((device, inode))) == (device, inode)


def test_no_record_is_a_file_that_nobody_has_open() -> None:
    assert FileRecord.decode(None) == FileRecord()
