"""`select`, `poll`, `epoll` and `selectors` inside fake processes.

Owns their answers for fake descriptors: what is ready now. To wait is asyncio's; a call that would block is a gap.
"""

from __future__ import annotations

import select
import selectors
from collections.abc import Iterable
from typing import Any

from swrap.fake.inside.facade import Replacement, class_, function
from swrap.fake.kernel.tcp import ERR, HUP, IN, OUT
from swrap.fake.process import Process

_ALWAYS = ERR | HUP | select.POLLNVAL


def _number(fd: Any) -> int:
    number = fd if isinstance(fd, int) else fd.fileno()
    if number < 0:
        raise ValueError("file descriptor cannot be a negative integer (-1)")
    return int(number)


def _mask(process: Process, fd: int) -> int:
    file = process.descriptors.files.get(fd)
    return select.POLLNVAL if file is None else file.poll()


def _would_block(timeout: float | None) -> None:
    if timeout != 0:
        raise NotImplementedError("select and poll would block here, on a fake network; asyncio does not")


def _select(
    process: Process,
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    readable = [fd for fd in rlist if _checked(process, fd) & (IN | HUP | ERR)]
    writable = [fd for fd in wlist if _checked(process, fd) & (OUT | ERR)]
    exceptional = [fd for fd in xlist if _checked(process, fd) & select.POLLPRI]
    if not (readable or writable or exceptional):
        _would_block(timeout)
    return readable, writable, exceptional


def _checked(process: Process, fd: Any) -> int:
    return process.descriptors.get(_number(fd)).poll()


class FakePoll:
    """See `select.poll`. Times are in milliseconds."""

    def __init__(self) -> None:
        from swrap.fake.inside.current import inside

        process = inside()
        assert process is not None  # noqa: S101
        self._process = process
        self._wanted: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT) -> None:
        """See `select.poll`."""
        self._wanted[_number(fd)] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        """See `select.poll`."""
        if _number(fd) not in self._wanted:
            raise FileNotFoundError(2, "No such file or directory")
        self._wanted[_number(fd)] = eventmask

    def unregister(self, fd: Any) -> None:
        """See `select.poll`."""
        del self._wanted[_number(fd)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """See `select.poll`."""
        found = [
            (fd, mask)
            for fd, wanted in self._wanted.items()
            if (mask := _mask(self._process, fd) & (wanted | _ALWAYS))
        ]
        if not found:
            _would_block(timeout)
        return found


class FakeEpoll(FakePoll):
    """See `select.epoll`, level-triggered. Times are in seconds."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        super().__init__()
        self.closed = False

    def register(self, fd: Any, eventmask: int = select.EPOLLIN | select.EPOLLOUT | select.EPOLLPRI) -> None:
        """See `select.epoll`."""
        if eventmask & (select.EPOLLET | select.EPOLLONESHOT):
            raise NotImplementedError("the fake network's epoll is level-triggered")
        if _number(fd) in self._wanted:
            raise FileExistsError(17, "File exists")
        self._process.descriptors.get(_number(fd))
        self._wanted[_number(fd)] = eventmask

    def unregister(self, fd: Any) -> None:
        """See `select.epoll`."""
        if self._wanted.pop(_number(fd), None) is None:
            raise FileNotFoundError(2, "No such file or directory")

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        """See `select.epoll`."""
        found = super().poll(-1 if timeout is None else timeout)
        return found[:maxevents] if maxevents > 0 else found

    def close(self) -> None:
        """See `select.epoll`."""
        self.closed = True
        self._wanted.clear()

    def fileno(self) -> int:
        """A gap."""
        raise NotImplementedError("the fake network's epoll is no descriptor")

    def __enter__(self) -> FakeEpoll:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_Mapping: Any = selectors._BaseSelectorImpl


class FakeSelector(_Mapping):  # type: ignore[misc]
    """See `selectors.DefaultSelector`."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors`. In seconds."""
        from swrap.fake.inside.current import inside

        process = inside()
        assert process is not None  # noqa: S101
        found = []
        for fd, key in self._fd_to_key.items():
            mask = _mask(process, fd)
            events = (selectors.EVENT_READ if mask & (IN | HUP | ERR) else 0) | (
                selectors.EVENT_WRITE if mask & (OUT | HUP | ERR) else 0
            )
            if events & key.events:
                found.append((key, events & key.events))
        if not found:
            _would_block(timeout)
        return found


def replacements() -> list[Replacement]:
    """What stands where."""
    kinds = ("SelectSelector", "PollSelector", "EpollSelector", "DefaultSelector")
    return [
        function(select, "select", _select),
        function(select, "poll", lambda process: FakePoll()),
        function(select, "epoll", lambda process, *args, **kwargs: FakeEpoll(*args, **kwargs)),
        *(class_(selectors, name, FakeSelector) for name in kinds),
    ]
