"""The store in memory keeps the promises of the one that processes share: the same calls, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.memory import MemoryStore
from server.ports.store import Store
from server.posix.store import LmdbStore

TABLES = (b"a\0", b"b\0")
KEYS = st.binary(min_size=1, max_size=3)
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "get", "scan"]), st.sampled_from(TABLES), KEYS), max_size=12
)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    real = LmdbStore(tmp_path / "store")
    yield real, MemoryStore()
    real.close()


def told(store: Store, steps: list[tuple[str, bytes, bytes]], *, undo: bool) -> list[object]:
    found: list[object] = []
    try:
        with store.write() as writing:
            for what, table, key in steps:
                if what == "put":
                    writing.put(table + key, key * 2)
                elif what == "delete":
                    found.append(writing.delete(table + key))
                elif what == "get":
                    found.append(writing.get(table + key))
                else:
                    found.append(list(store.scan(writing, table, key[:1])))
            if undo:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    with store.read() as reading:
        found += [list(store.scan(reading, table)) for table in TABLES]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(STEPS, st.booleans()), max_size=4))
def test_both_answer_alike(
    stores: tuple[Store, Store], transactions: list[tuple[list[tuple[str, bytes, bytes]], bool]]
) -> None:
    real, memory = stores
    for steps, undo in transactions:
        assert told(real, steps, undo=undo) == told(memory, steps, undo=undo)
