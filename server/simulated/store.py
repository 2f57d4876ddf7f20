"""The shared tables in memory: one object that all simulated processes of a server hold.

Implements `server.ports.store.Store`. There is one thread and a transaction never waits, so no two of them meet;
one that is left by an exception is undone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

Tables = dict[str, dict[bytes, bytes]]


class MemoryStore:
    """`close` lets it live on for the others."""

    def __init__(self) -> None:
        self._tables: Tables = {}

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._tables)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        changed = MemoryTransaction({name: dict(table) for name, table in self._tables.items()})
        yield changed
        self._tables = changed.tables

    def close(self) -> None:
        return


class MemoryTransaction:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def get(self, table: str, key: bytes) -> bytes | None:
        return self.tables.get(table, {}).get(key)

    def scan(self, table: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        records = self.tables.get(table, {})
        keys = sorted(records)
        for key in keys[bisect_left(keys, prefix) :]:
            if not key.startswith(prefix):
                return
            yield key, records[key]

    def put(self, table: str, key: bytes, value: bytes) -> None:
        self.tables.setdefault(table, {})[key] = value

    def delete(self, table: str, key: bytes) -> bool:
        return self.tables.get(table, {}).pop(key, None) is not None
