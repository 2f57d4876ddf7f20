"""The shared tables in LMDB: one file that every process of the server maps.
 Implements `server.ports.store.Store`. Each process opens it for itself, after the fork and once only. LMDB's
lock is a robust mutex: a writer that is killed leaves its transaction undone and nobody waiting. What is lost
with the machine need not survive it, so nothing is synced to disk, and pages are written where they are mapped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import lmdb

_MAP_SIZE = 1 << 30
_READERS = 8192
_ROOM = 8 << 20
"""Bytes that are allocated beforehand, and again when half of them are used: where a full disk has no room for a
mapped page, the process that writes to it ends with SIGBUS.
"""
_PAGE = os.sysconf("SC_PAGESIZE")
_LEAST = 1 << 20
"""Bytes without which nothing more is written: more than any transactions that are under way can take."""
_UNCHECKED = 16
"""Transactions of a process between two looks at how much is used."""


class LmdbStore:
    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._data = directory / "data.mdb"
        self._allocated = self._unchecked = 0
        self._environment = lmdb.open(
            str(directory),
            map_size=_MAP_SIZE,
            max_readers=_READERS,
            sync=False,
            metasync=False,
            writemap=True,
            mode=0o600,
        )
        self._make_room()
        self._environment.reader_check()  # slots of processes that were killed while they read

    def read(self) -> LmdbTransaction:
        return LmdbTransaction(self._environment.begin())

    def write(self) -> LmdbTransaction:
        """OSError ENOSPC: the disk is full."""
        self._unchecked -= 1
        if self._unchecked < 0:
            self._make_room()
        return LmdbTransaction(self._environment.begin(write=True))

    def close(self) -> None:
        self._environment.close()

    def _make_room(self) -> None:
        used = self._environment.info()["last_pgno"] * _PAGE
        if used + _ROOM // 2 > self._allocated:
            try:
                self._allocate(used + _ROOM)
            except OSError:
                if used + _LEAST > self._allocated:
                    raise
                return  # and look again the next time
        self._unchecked = _UNCHECKED

    def _allocate(self, size: int) -> None:
        fd = os.open(self._data, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.posix_fallocate(fd, 0, size)
        finally:
            os.close(fd)
        self._allocated = size


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
        found = self._transaction.get(table.encode() + b"\0" + key)
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
        self._transaction.put(table.encode() + b"\0" + key, value)

    def delete(self, table: str, key: bytes) -> bool:
        return bool(self._transaction.delete(table.encode() + b"\0" + key))


def _key(table: str, key: bytes) -> bytes:
    return table.encode() + b"\0" + key
