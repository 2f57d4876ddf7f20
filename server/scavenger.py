"""What outlives its worker: opens of dead ones, and durable opens whose client does not come back.

Owns the one timer of it. A dead worker's opens are treated as if its connections had been lost: durable ones wait for
their client, the others are closed, and what was to be deleted with them is. Called by the acceptor, which sees every
worker's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.core import notify
from server.core.shared import logons, reclaim
from server.core.shared.notices import FileChanged, Notice, Orphaned
from server.core.shared.records import FileKey
from server.core.shared.table import FileTable

_SECOND = 1_000_000_000


class Scavenger:
    def __init__(self, table: FileTable, tell: Callable[[str, Notice], None]) -> None:
        self._table = table
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None

    def inherit(self, address: str) -> None:
        """That worker is gone."""
        notify.forget(self._table.store, address)
        logons.forget(self._table.store, address)
        self._wake(reclaim.inherit(self._table, address))
        self._look()

    def noticed(self, notice: Orphaned) -> None:
        """An open waits for its client until then."""
        if self._due is None or notice.expires < self._due:
            self._expect(notice.expires)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        woken, soonest = reclaim.expire(self._table)
        self._wake(woken)
        self._due = None
        if soonest is not None:
            self._expect(soonest)

    def _expect(self, due: int) -> None:
        self.close()
        self._due = due
        delay = max(0, due - self._table.clock()) / _SECOND
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _wake(self, woken: dict[FileKey, list[str]]) -> None:
        for key, addresses in woken.items():
            for address in addresses:
                self._tell(address, FileChanged(key))
