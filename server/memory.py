"""A store in memory, for processes that are not real ones: all of them share one object.

Implements `server.ports.store.Store`. Must be used from one thread. A transaction that is left by an
exception is undone.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryStore:
    """One per server; what `close` closes is nothing, since others may still use it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[bytes, bytes]] = {}

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._tables)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        transaction = MemoryTransaction(self._tables)
        try:
            yield transaction
        except BaseException:
            transaction.undo()
            raise

    def close(self) -> None:
        return


class MemoryTransaction:
    """Writes at once, and remembers what was there before."""

    def __init__(self, tables: dict[str, dict[bytes, bytes]]) -> None:
        self._tables = tables
        self._before: list[tuple[str, bytes, bytes | None]] = []

    def get(self, table: str, key: bytes) -> bytes | None:
        return self._tables.get(table, {}).get(key)

    def scan(self, table: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        records = self._tables.get(table, {})
        keys = sorted(records)
        for key in keys[bisect.bisect_left(keys, prefix) :]:
            if not key.startswith(prefix):
                return
            yield key, records[key]

    def put(self, table: str, key: bytes, value: bytes) -> None:
        records = self._tables.setdefault(table, {})
        self._before.append((table, key, records.get(key)))
        records[key] = value

    def delete(self, table: str, key: bytes) -> bool:
        records = self._tables.setdefault(table, {})
        self._before.append((table, key, records.get(key)))
        return records.pop(key, None) is not None

    def undo(self) -> None:
        for table, key, value in reversed(self._before):
            if value is None:
                self._tables[table].pop(key, None)
            else:
                self._tables[table][key] = value
