"""`select`, `poll`, `epoll` and `selectors` inside fake processes.

Owns their answers for fake descriptors: what is ready; how to wait for it, ``blocking`` knows.
"""

from __future__ import annotations

import select
import selectors
from collections.abc import Iterable
from typing import Any

from swrap.fake.inside.blocking import until
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


def _select(
    process: Process,
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    asked = [(list(rlist), IN | HUP | ERR), (list(wlist), OUT | ERR), (list(xlist), select.POLLPRI)]

    def ready() -> list[list[Any]]:
        return [[fd for fd in fds if _checked(process, fd) & mask] for fds, mask in asked]

    until(process, lambda: any(ready()), timeout)
    readable, writable, exceptional = ready()
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
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        until(self._process, lambda: bool(self._ready()), seconds)
        return self._ready()

    def _ready(self) -> list[tuple[int, int]]:
        return [
            (fd, mask)
            for fd, wanted in self._wanted.items()
            if (mask := _mask(self._process, fd) & (wanted | _ALWAYS))
        ]


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
        found = super().poll(None if timeout is None else 1000 * timeout)
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
        until(process, lambda: bool(self._ready(process)), None if timeout is None else max(timeout, 0))
        return self._ready(process)

    def _ready(self, process: Process) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for fd, key in self._fd_to_key.items():
            mask = _mask(process, fd)
            events = (selectors.EVENT_READ if mask & (IN | HUP | ERR) else 0) | (
                selectors.EVENT_WRITE if mask & (OUT | HUP | ERR) else 0
            )
            if events & key.events:
                found.append((key, events & key.events))
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
