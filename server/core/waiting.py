"""Who waits for something that another worker may bring about: a break to be acknowledged, a lock to be given up, a
session to end.

Owns the futures, by file or by session. What is waited for is in the store, and is looked at again when a future is
done. Called by the commands; woken by the notices of this worker and of others.
"""

from __future__ import annotations

import asyncio

from server.core.shared.records import FileKey

Subject = FileKey | int
"""A file, or a session by its id."""


class Waiting:
    def __init__(self) -> None:
        self._futures: dict[Subject, list[asyncio.Future[None]]] = {}

    def event(self, subject: Subject) -> asyncio.Future[None]:
        """Done when it changes next. To be had before anything else can run after the transaction."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.setdefault(subject, []).append(future)
        return future

    def wake(self, subject: Subject) -> None:
        for future in self._futures.pop(subject, ()):
            if not future.done():
                future.set_result(None)
