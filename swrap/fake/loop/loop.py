"""asyncio's event loop of one fake process.

Owns its callbacks, its watched descriptors, its executors and signal handlers. Transports, servers, TLS and
``sock_*`` are asyncio's own selector-based ones, unchanged: what they call is here or in ``inside``. Must not
know other processes; who has the next turn, and when time jumps, the scheduler decides.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from swrap.fake.loop.executor import THREADS, Pool
from swrap.fake.loop.task import FakeTask
from swrap.fake.loop.watch import Watch

if TYPE_CHECKING:
    from swrap.fake.process import Process
    from swrap.fake.scheduler import Scheduler

_real_signal = signal.signal

_BATCHES = 64
"""In one turn, while nobody else waits for one."""

_Selecting: Any = asyncio.SelectorEventLoop  # its own types say less than its callers do


class FakeLoop(_Selecting):  # type: ignore[misc]
    """``queued``: it stands in line for a turn."""

    def __init__(self, process: Process, scheduler: Scheduler) -> None:
        self.process = process
        self.ready: deque[asyncio.Handle] = deque()
        self.changed: dict[Watch, None] = {}
        self.queued = False
        self._scheduler = scheduler
        self._clock = scheduler.clock
        self._watches: dict[int, Watch] = {}
        self._pools: dict[int, Pool] = {}
        self._made: WeakSet[Any] = WeakSet()
        self._tasks = 0
        self._handlers: dict[int, asyncio.Handle] = {}
        self._real_handlers: dict[int, Any] = {}
        super().__init__(_NoSelector())
        self._ready = self.ready

    # --- turns

    def enqueue(self) -> None:
        """Stand in line, having something to do."""
        self.queued = True
        self._scheduler.queue.append(self)

    def turn(self) -> None:
        """Everything that can be done now, and what comes of it unless somebody else has something to do."""
        ready, changed, queue = self.ready, self.changed, self._scheduler.queue
        try:
            for _ in range(_BATCHES):
                if changed:
                    self._look(changed)
                for _ in range(len(ready)):
                    handle = ready.popleft()
                    if not handle._cancelled:
                        handle._run()
                if not (ready or changed):
                    self.queued = False
                    return
                if queue or self._stopping:
                    break
            queue.append(self)
        except SystemExit as ended:
            self.process.exit_by(ended)

    def _look(self, changed: dict[Watch, None]) -> None:
        if len(changed) == 1:  # the common case, and much the cheaper one
            (watch,) = changed
            if not watch.fire():
                changed.clear()
            return
        watches = [*changed]
        self._scheduler.shuffle(watches)
        for watch in watches:
            if not watch.fire():
                del changed[watch]

    def kill(self) -> None:
        """Never do anything again. What its transports held is closed by others, so they have no reason to warn."""
        for transport in self._made:
            transport._sock = None
            transport._closing = transport._closed = True
        for handle in self.ready:
            handle.cancel()
        for watch in list(self._watches.values()):
            watch.drop()
        self._watches.clear()
        self.changed.clear()

    # --- asyncio's interface: time and callbacks

    def time(self) -> float:
        """The virtual time, in seconds."""
        return self._clock.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        if self._closed:
            raise RuntimeError("Event loop is closed")
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        if not self.queued:
            self.enqueue()
        return handle

    call_soon_threadsafe = call_soon  # there are no threads

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        if self._closed:
            raise RuntimeError("Event loop is closed")
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]
        self._clock.at(when, self._fire, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        if delay is None:
            raise TypeError("delay must not be None")
        return self.call_at(self._clock.now + delay, callback, *args, context=context)

    def _fire(self, handle: Any) -> None:
        handle._scheduled = False
        if not handle._cancelled and self.process.alive:
            self.ready.append(handle)
            if not self.queued:
                self.enqueue()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._clock.cancelled()

    def _add_callback(self, handle: asyncio.Handle) -> None:
        if not handle._cancelled:
            self.ready.append(handle)
            if not self.queued:
                self.enqueue()

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """See asyncio."""
        if not self.process.alive:
            coro.close()
            raise RuntimeError("the process has ended")
        if self.get_task_factory() is not None:
            return super().create_task(coro, name=name, context=context)  # type: ignore[no-any-return]
        self._tasks += 1
        return FakeTask(self._tasks, coro, loop=self, name=name or f"Task-{self._tasks}", context=context)

    def run_forever(self) -> None:
        """Of the harness's loop alone: let the whole world run until this loop is told to stop."""
        self._check_closed()
        self._scheduler.run(self)
        self._stopping = False

    def is_running(self) -> bool:
        """Has the process a turn?"""
        return events._get_running_loop() is self

    # --- descriptors

    def _watch(self, fd: int) -> Watch:
        watch = self._watches.get(fd)
        file = self.process.descriptors.get(fd)
        if watch is not None and watch.file is not file:
            self._forget(fd)
            watch = None
        if watch is None:
            watch = self._watches[fd] = Watch(self, fd, file)
        return watch

    def _forget(self, fd: int) -> bool:
        watch = self._watches.pop(fd, None)
        if watch is None:
            return False
        for handle in (watch.reader, watch.writer):
            if handle is not None:
                handle.cancel()
        watch.drop()
        return True

    def _add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> asyncio.Handle:
        watch = self._watch(_number(fd))
        if watch.reader is not None:
            watch.reader.cancel()
        handle = watch.reader = asyncio.Handle(callback, args, self, None)
        watch.notify()
        return handle

    def _add_writer(self, fd: Any, callback: Callable[..., object], *args: Any) -> asyncio.Handle:
        watch = self._watch(_number(fd))
        if watch.writer is not None:
            watch.writer.cancel()
        handle = watch.writer = asyncio.Handle(callback, args, self, None)
        watch.notify()
        return handle

    def _remove_reader(self, fd: Any) -> bool:
        watch = self._watches.get(_number(fd))
        if watch is None or watch.reader is None:
            return False
        watch.reader.cancel()
        watch.reader = None
        if watch.writer is None:
            self._forget(watch.fd)
        return True

    def _remove_writer(self, fd: Any) -> bool:
        watch = self._watches.get(_number(fd))
        if watch is None or watch.writer is None:
            return False
        watch.writer.cancel()
        watch.writer = None
        if watch.reader is None:
            self._forget(watch.fd)
        return True

    def _make_socket_transport(self, *args: Any, **options: Any) -> Any:
        return self._kept(super()._make_socket_transport(*args, **options))

    def _make_ssl_transport(self, sock: Any, *args: Any, **options: Any) -> Any:
        outer = self._kept(super()._make_ssl_transport(sock, *args, **options))
        self._kept(self._transports[sock.fileno()])  # the one below it
        return outer

    def _make_datagram_transport(self, *args: Any, **options: Any) -> Any:
        return self._kept(super()._make_datagram_transport(*args, **options))

    def _kept(self, transport: Any) -> Any:
        self._made.add(transport)
        return transport

    # --- names

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """See socket.getaddrinfo; the lab's names, without a wait."""
        return socket.getaddrinfo(host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """See socket.getnameinfo."""
        return socket.getnameinfo(sockaddr, flags)

    # --- executors

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """See asyncio; done at a later virtual time, see ``executor``."""
        if executor is None:
            executor = self._default_executor
        pool = self._pools.get(id(executor))
        if pool is None:
            threads = int(getattr(executor, "_max_workers", THREADS))
            pool = self._pools[id(executor)] = Pool(self, threads, self.process.random)
        return pool.submit(lambda: func(*args))

    async def shutdown_default_executor(self, *_: float | None) -> None:
        """Nothing: there are no threads."""

    # --- signals

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        """See asyncio. Raises ValueError, RuntimeError for signals that cannot be caught."""
        number = signal.Signals(sig)
        if number in (signal.SIGKILL, signal.SIGSTOP):
            raise RuntimeError(f"sig {sig} cannot be caught")
        self._handlers[number] = asyncio.Handle(callback, args, self, None)
        if self.process.host is None and number not in self._real_handlers:
            # The harness is what a person's Ctrl-C is for. Python runs this between two steps of the world.
            self._real_handlers[number] = _real_signal(number, lambda caught, _: self.deliver(caught) or None)

    def remove_signal_handler(self, sig: int) -> bool:
        """See asyncio."""
        if sig in self._real_handlers:
            _real_signal(sig, self._real_handlers.pop(sig))
        return self._handlers.pop(sig, None) is not None

    def deliver(self, number: int) -> bool:
        """A signal has come; False where nobody catches it."""
        handle = self._handlers.get(number)
        if handle is not None:
            self._add_callback(handle)
        return handle is not None

    # --- what there is no such thing of

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        """A gap."""
        raise NotImplementedError("a fake process cannot start programs; spawn another fake process")

    async def subprocess_shell(self, *args: Any, **options: Any) -> Any:
        """A gap."""
        raise NotImplementedError("a fake process cannot start programs; spawn another fake process")

    async def connect_read_pipe(self, *args: Any, **options: Any) -> Any:
        """A gap."""
        raise NotImplementedError("the fake network has no pipes; a socketpair does the same")

    async def connect_write_pipe(self, *args: Any, **options: Any) -> Any:
        """A gap."""
        raise NotImplementedError("the fake network has no pipes; a socketpair does the same")

    async def _sock_sendfile_native(self, *args: Any) -> int:
        raise asyncio.SendfileNotAvailableError("the fake network copies")

    def _make_self_pipe(self) -> None:
        """Nobody needs to be woken from another thread."""

    def _close_self_pipe(self) -> None:
        """There is none."""

    def _write_to_self(self) -> None:
        """There is none."""

    def close(self) -> None:
        """See asyncio."""
        if not self._closed:
            for number in list(self._handlers):
                self.remove_signal_handler(number)
            self.kill()
            super().close()

    def __del__(self) -> None:
        """It holds nothing of the system that could be left open."""


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


class _NoSelector:
    """In place of a selector, which only the repr of a transport asks."""

    def get_key(self, fd: Any) -> Any:
        """Nothing is registered here."""
        raise KeyError(fd)

    def close(self) -> None:
        """Nothing."""
