"""What is remembered of a file's record is what the store has of it, whoever has written that."""

from __future__ import annotations

import pytest

from server.core.shared.records import FileRecord, OpenRecord
from server.core.shared.table import FileTable
from server.memory import MemoryStore

KEY = (1, 2)


def table(store: MemoryStore, address: str) -> FileTable:
    return FileTable(store, address, lambda _: True, lambda: 0, lambda *_: None)


def opened(number: int, owner: str) -> OpenRecord:
    return OpenRecord(number, owner, 1, "", "alice", "data", ("film",), 1, 7)


def test_a_change_that_is_undone_is_not_remembered() -> None:
    mine = table(MemoryStore(), "worker-1")
    with mine.draft(KEY) as (_, file):
        file.put(opened(1, "worker-1"))

    def fail() -> None:
        with mine.draft(KEY) as (_, file):
            file.put(opened(2, "worker-1"))
            raise KeyError

    for look in (lambda: None, lambda: mine.look(KEY)):
        look()
        with pytest.raises(KeyError):
            fail()
        assert list(mine.look(KEY).opens) == [1]


def test_what_another_process_writes_is_seen() -> None:
    store = MemoryStore()
    mine, theirs = table(store, "worker-1"), table(store, "worker-2")
    for number, one in enumerate((mine, theirs, mine, theirs), 1):
        with one.draft(KEY) as (_, file):
            assert list(file.opens) == list(range(1, number))
            file.put(opened(number, one.address))
        assert mine.look(KEY) == theirs.look(KEY)
    with theirs.draft(KEY) as (_, file):
        file.opens.clear()
    assert mine.look(KEY) == FileRecord()
