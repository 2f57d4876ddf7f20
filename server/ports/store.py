"""Store: tables of records that all processes of one server share.

A table is the records whose keys begin with its name, which ends in a zero byte and has no other. A transaction
sees one state and, if it writes, excludes every other writer until it ends; leaving it by an exception undoes it. A
process that is killed inside one leaves nothing of it. Keys and values are bytes: what a record means is known
where it is used (`server.core.shared` and others). Transactions are short and never wait for anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class Reading(Protocol):
    def get(self, key: bytes, /) -> bytes | None: ...


class Writing(Reading, Protocol):
    def put(self, key: bytes, value: bytes, /) -> object: ...

    def delete(self, key: bytes, /) -> bool:
        """Whether there was one."""
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Reading]: ...

    def write(self) -> AbstractContextManager[Writing]: ...

    def scan(self, reading: Reading, table: bytes, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The table's records whose key begins so, in the order of their keys, which come without the table's name.
        `reading`: a transaction of this store, of either kind.
        """
        ...

    def close(self) -> None: ...
