"""Store: tables of records that all processes of one server share.
 A transaction sees one state and, if it writes, excludes every other writer until it ends; leaving it by an
exception undoes it. A process that is killed inside one leaves nothing of it. Keys and values are bytes: what
a record means is known where it is used (`server.core.records` and others). Transactions are short and never
wait for anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class Reading(Protocol):
    def get(self, table: str, key: bytes) -> bytes | None: ...

    def scan(self, table: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The records whose key begins so, in the order of their keys."""
        ...


class Writing(Reading, Protocol):
    def put(self, table: str, key: bytes, value: bytes) -> None: ...

    def delete(self, table: str, key: bytes) -> bool:
        """Whether there was one."""
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Reading]: ...

    def write(self) -> AbstractContextManager[Writing]: ...

    def close(self) -> None: ...
