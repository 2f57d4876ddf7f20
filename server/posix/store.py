"""The shared tables in LMDB: one file that every process of the server maps.
 Implements `server.ports.store.Store`. Each process opens it for itself, after the fork and once only. LMDB's
lock is a robust mutex: a writer that is killed leaves its transaction undone and nobody waiting. What is lost
with the machine need not survive it, so nothing is synced to disk, and pages are written where they are mapped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import lmdb

from server.ports.store import Reading, Writing

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
    """Its transactions are LMDB's own: a call in between would cost as much as most of theirs."""

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

    def read(self) -> AbstractContextManager[Reading]:
        return self._environment.begin()

    def write(self) -> AbstractContextManager[Writing]:
        """OSError ENOSPC: the disk is full."""
        self._unchecked -= 1
        if self._unchecked < 0:
            self._make_room()
        return self._environment.begin(write=True)

    def scan(self, reading: Reading, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        start, skip = table + prefix, len(table)
        with cast("lmdb.Transaction[bytes]", reading).cursor() as cursor:
            if not cursor.set_range(start):
                return
            for key, value in cursor:
                if not key.startswith(start):
                    return
                yield key[skip:], value

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
