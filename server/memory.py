"""A store in memory, for processes that are not real ones: all of them share one object.

Implements `server.ports.store.Store`. Must be used from one thread. A transaction that is left by an
exception is undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.ports.store import Reading


class MemoryStore:
    """One per server; what `close` closes is nothing, since others may still use it."""

    def __init__(self) -> None:
        self._records: dict[bytes, bytes] = {}

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._records)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        transaction = MemoryTransaction(self._records)
        try:
            yield transaction
        except BaseException:
            transaction.undo()
            raise

    def scan(self, _: Reading, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        start, skip = table + prefix, len(table)
        for key in sorted(key for key in self._records if key.startswith(start)):
            yield key[skip:], self._records[key]

    def close(self) -> None:
        return


class MemoryTransaction:
    """Writes at once, and remembers what was there before."""

    def __init__(self, records: dict[bytes, bytes]) -> None:
        self._records = records
        self._before: list[tuple[bytes, bytes | None]] = []

    def get(self, key: bytes, /) -> bytes | None:
        return self._records.get(key)

    def put(self, key: bytes, value: bytes, /) -> None:
        self._before.append((key, self._records.get(key)))
        self._records[key] = value

    def delete(self, key: bytes, /) -> bool:
        self._before.append((key, self._records.get(key)))
        return self._records.pop(key, None) is not None

    def undo(self) -> None:
        for key, value in reversed(self._before):
            if value is None:
                self._records.pop(key, None)
            else:
                self._records[key] = value
