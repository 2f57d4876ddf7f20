"""The event loop of a worker: it calls its readers while it waits, as long as there is nothing else to do.

A turn of asyncio's loop costs as much as receiving a small request does. Owns what is asked of `add_reader`; all else
is asyncio's own. Made by `server.role`.
"""

from __future__ import annotations

import asyncio
from asyncio import Handle, TimerHandle
from collections.abc import Callable
from contextvars import Context
from functools import partial
from math import inf
from selectors import EpollSelector, SelectorKey
from time import monotonic
from typing import Any, TypeVarTuple, Unpack

from server.posix.polling import Found, Polling

_IN_A_ROW, _SELDOM = 8, 16
"""Times that a reader is called again before others are looked for; and looks that find one alone before it is, once
that was in vain or there were others.
"""
Ts = TypeVarTuple("Ts")


class _Selector(EpollSelector):
    """What is left to asyncio. `wait(timeout)` comes first, and says whether there is something here."""

    def __init__(self, wait: Callable[[float | None], bool]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        return super().select(0) if self._wait(timeout) else []


class PollingLoop(asyncio.SelectorEventLoop):
    """`patience` is that of `Polling`. Readers are called in no context of their own. One that returns True, because
    it had something, may be called again to see whether there is more.
    """

    def __init__(self, patience: float) -> None:
        self._readers: dict[int, Callable[[], Any]] = {}
        self._polling = Polling(patience)
        self._unlikely = 0
        self._due = False
        """Whether something is to be run since it has begun to wait."""
        selector = _Selector(self._wait)
        super().__init__(selector)
        self._polling.add(selector.fileno())

    def _wait(self, timeout: float | None) -> bool:
        """Call readers until there is something else to do; whether that is the selector's."""
        if timeout is not None and timeout <= 0:
            return self._called(self._polling.look())
        self._due = False
        end = inf if timeout is None else monotonic() + timeout
        while not self._due:
            found = self._polling.wait(end)
            if not found:
                return False
            if self._called(found):
                return True
            self._try_again(found)
        return False

    def _try_again(self, found: Found) -> None:
        """Without a look at all the others: who runs on this processor asks the next thing while it is answered."""
        if len(found) > 1:
            self._unlikely = _SELDOM
        elif self._unlikely:
            self._unlikely -= 1
        else:
            fd = found[0][0]
            for _ in range(_IN_A_ROW):
                if self._due or fd not in self._readers:
                    break
                if not self._call(self._readers[fd]):
                    self._unlikely = _SELDOM
                    break

    def _called(self, found: Found) -> bool:
        """Whether one of them was no reader's, but the selector's."""
        others = False
        for fd, _ in found:
            reader = self._readers.get(fd)
            if reader is None:
                others = True  # or that of one that is gone since it was found
                continue
            self._call(reader)
        return others

    def _call(self, reader: Callable[[], Any]) -> Any:
        try:
            return reader()
        except Exception as error:
            self.call_exception_handler({"message": f"a reader failed: {reader}", "exception": error})
            return None

    def add_reader(self, fd: Any, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        if fd not in self._readers:
            self._polling.add(fd)
        self._readers[fd] = partial(callback, *args) if args else callback

    def remove_reader(self, fd: Any) -> bool:
        if self._readers.pop(fd, None) is None:
            return super().remove_reader(fd)  # one that asyncio has added for itself
        self._polling.remove(fd)
        return True

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> Handle:
        self._due = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> TimerHandle:
        self._due = True
        return super().call_at(when, callback, *args, context=context)

    def stop(self) -> None:
        self._due = True
        super().stop()

    def close(self) -> None:
        super().close()
        self._readers.clear()
        self._polling.close()
