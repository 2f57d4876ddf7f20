"""The shared tables in LMDB: one file that every process of the server maps.
 Implements `server.ports.store.Store`. Each process opens it for itself, after the fork and once only. LMDB's
lock is a robust mutex: a writer that is killed leaves its transaction undone and nobody waiting. What is lost
with the machine need not survive it, so nothing is synced to disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lmdb

_MAP_SIZE = 1 << 30
_READERS = 8192


class LmdbStore:
    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._environment = lmdb.open(
            str(directory), map_size=_MAP_SIZE, max_readers=_READERS, sync=False, metasync=False, mode=0o600
        )
        self._environment.reader_check()  # slots of processes that were killed while they read

    def read(self) -> LmdbTransaction:
        return LmdbTransaction(self._environment.begin())

    def write(self) -> LmdbTransaction:
        return LmdbTransaction(self._environment.begin(write=True))

    def close(self) -> None:
        self._environment.close()


class LmdbTransaction:
    """A table's name and a zero byte begin each of its keys. Its own context manager."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: lmdb.Transaction) -> None:
        self._transaction = transaction

    def __enter__(self) -> LmdbTransaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._transaction.commit()
        else:
            self._transaction.abort()

    def get(self, table: str, key: bytes) -> bytes | None:
        found = self._transaction.get(_key(table, key))
        return None if found is None else bytes(found)

    def scan(self, table: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        start = _key(table, prefix)
        skip = len(_key(table, b""))
        with self._transaction.cursor() as cursor:
            if not cursor.set_range(start):
                return
            for key, value in cursor:
                if not bytes(key).startswith(start):
                    return
                yield bytes(key)[skip:], bytes(value)

    def put(self, table: str, key: bytes, value: bytes) -> None:
        self._transaction.put(_key(table, key), value)

    def delete(self, table: str, key: bytes) -> bool:
        return bool(self._transaction.delete(_key(table, key)))


def _key(table: str, key: bytes) -> bytes:
    return table.encode() + b"\0" + key
