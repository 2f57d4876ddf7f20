"""The shared tables in memory: one object that all simulated processes of a server hold.

Implements `server.ports.store.Store`. There is one thread and a transaction never waits, so no two of them meet;
one that is left by an exception is undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from server.ports.store import Reading

Records = dict[bytes, bytes]


class MemoryStore:
    """`close` lets it live on for the others."""

    def __init__(self) -> None:
        self._records: Records = {}

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._records)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        changed = MemoryTransaction(dict(self._records))
        yield changed
        self._records = changed.records

    def scan(self, reading: Reading, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        records, start, skip = cast(MemoryTransaction, reading).records, table + prefix, len(table)
        for key in sorted(key for key in records if key.startswith(start)):
            yield key[skip:], records[key]

    def close(self) -> None:
        return


class MemoryTransaction:
    def __init__(self, records: Records) -> None:
        self.records = records

    def get(self, key: bytes, /) -> bytes | None:
        return self.records.get(key)

    def put(self, key: bytes, value: bytes, /) -> None:
        self.records[key] = value

    def delete(self, key: bytes, /) -> bool:
        return self.records.pop(key, None) is not None
