"""The store in memory does what the one in LMDB does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.posix.store import LmdbStore
from server.simulated.store import MemoryStore

TABLES = [b"t\0", b"u\0"]
KEYS = st.sampled_from([b"a", b"ab", b"abc", b"b", b"\xff"])
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(TABLES), KEYS, st.binary(min_size=1, max_size=3)),
        st.tuples(st.just("delete"), st.sampled_from(TABLES), KEYS),
        st.tuples(st.just("get"), st.sampled_from(TABLES), KEYS),
        st.tuples(st.just("scan"), st.sampled_from(TABLES), KEYS),
        st.just(("undo",)),
    ),
    max_size=20,
)


class Undone(Exception):
    """Leaves a transaction."""


def undone(store: Any, count: int) -> None:
    """Write so many records, and leave by an exception."""
    with store.write() as transaction:
        for number in range(count):
            transaction.put(b"t\0x%d" % number, b"y")
        raise Undone


def told(store: Any, calls: list[tuple[Any, ...]]) -> list[Any]:
    """What the calls come to: each in its own transaction; ``undo`` is one that is undone."""
    answers: list[Any] = []
    for index, (verb, *about) in enumerate(calls):
        if verb == "undo":
            with pytest.raises(Undone):
                undone(store, index)
            continue
        with store.write() as transaction:
            table, key, *value = about
            if verb == "scan":
                answers.append(list(store.scan(transaction, table, key)))
                continue
            answer = getattr(transaction, verb)(table + key, *value)
            answers.append(None if verb == "put" else answer)
    with store.read() as reading:
        answers += [list(store.scan(reading, table)) for table in TABLES]
    return answers


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CALLS)
def test_it_answers_as_lmdb_does(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[Any, ...]]
) -> None:
    directory: Path = tmp_path_factory.mktemp("store")
    real = LmdbStore(directory / "lmdb")
    try:
        assert told(MemoryStore(), calls) == told(real, calls)
    finally:
        real.close()
