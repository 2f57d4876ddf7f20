"""The workers of a server: idle ones kept ready, the ones in use, and the end of each.

Owns the children and their lifelines. Knows nothing of connections. Called by the acceptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server.events import Events
from server.log import Log
from server.ports.processes import Child, Processes

_LINE = 1024 * 1024
_GRACE = 5.0
_SOON = 0.02


@dataclass(slots=True, eq=False)
class WorkerHandle:
    """`address`: its post address. `gone`: it will never answer again."""

    child: Child
    address: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    """What it says of its state, None when that is all."""

    @property
    def pid(self) -> int:
        return self.child.pid


class Pool:
    """`ended(worker)` is called once a worker is gone, before anybody who waits for it learns that."""

    def __init__(
        self,
        processes: Processes,
        settings: str,
        *,
        idle: int,
        events: Events,
        log: Log,
        ended: Callable[[WorkerHandle], None],
        before_event: Callable[[], None],
    ) -> None:
        self._processes = processes
        self._settings = settings
        self._config = ""
        self._wanted = idle
        self._events = events
        self._log = log
        self._ended = ended
        self._before_event = before_event
        self._idle: deque[WorkerHandle] = deque()
        self._workers: dict[str, WorkerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawning = 0
        self._refilling: asyncio.TimerHandle | None = None
        self._changed = asyncio.Condition()
        self._closing = False
        self._error: OSError | None = None

    def start(self) -> None:
        self._refill()

    def find(self, address: str) -> WorkerHandle | None:
        """The living worker with that address."""
        return self._workers.get(address)

    def of(self, pid: int) -> WorkerHandle | None:
        """The living worker that is that process."""
        return next((worker for worker in self._workers.values() if worker.pid == pid), None)

    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers.values()]

    async def take(self) -> WorkerHandle:
        """An idle worker, out of the pool. OSError: none can be made."""
        async with self._changed:
            if not self._idle:
                self._refill(waiting=1)
            await self._changed.wait_for(lambda: self._idle or self._error is not None or self._closing)
            if not self._idle:
                error, self._error = self._error, None
                raise error or ConnectionError("the server ends")
            worker = self._idle.popleft()
        if self._refilling is None:
            # Not at once: whoever was waiting is served first.
            self._refilling = asyncio.get_running_loop().call_later(_SOON, self._refill)
        return worker

    def give_back(self, worker: WorkerHandle) -> None:
        """It was not needed after all, or is no longer."""
        if worker.gone.is_set() or worker in self._idle:
            return
        if len(self._idle) < 2 * self._wanted:  # more than are made, so that it is not one for each
            self._idle.append(worker)
        else:
            _tell_to_end(worker)

    def configure(self, settings: str, config: str) -> None:
        """Workers to come get the `settings`; those that there are get the `config`."""
        self._settings, self._config = settings, config
        for worker in self._workers.values():
            _say(worker, {"config": config})

    async def states(self) -> dict[int, list[dict[str, Any]] | None]:
        """What each worker says of itself, by its process id; None if it says nothing in time."""
        workers = list(self._workers.values())
        said = await asyncio.gather(*map(self._state, workers))
        return {worker.pid: state for worker, state in zip(workers, said, strict=True)}

    async def _state(self, worker: WorkerHandle) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        async with worker.asking:
            _say(worker, {"state": True})
            try:
                async with asyncio.timeout(_GRACE):
                    while (one := await worker.told.get()) is not None:
                        found.append(one)
            except TimeoutError:
                return None
        return found

    async def close(self) -> None:
        """Tell them all to end, wait for it, and kill what does not."""
        self._closing = True
        if self._refilling is not None:
            self._refilling.cancel()
        async with self._changed:
            self._changed.notify_all()
        for worker in self._workers.values():
            _tell_to_end(worker)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE)
            for worker in self._workers.values():
                worker.child.end(force=True)
            if late:
                await asyncio.wait(late)

    def _refill(self, waiting: int = 0) -> None:
        if self._refilling is not None:
            self._refilling.cancel()
            self._refilling = None
        while not self._closing and len(self._idle) + self._spawning < self._wanted + waiting:
            self._spawning += 1
            task = asyncio.get_running_loop().create_task(self._live())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _live(self) -> None:
        """The whole life of one worker."""
        try:
            worker = await self._born()
        except (OSError, ValueError) as error:
            self._log.failure("no worker could be made", error)
            self._error = error if isinstance(error, OSError) else ConnectionError(str(error))
            worker = None
        finally:
            self._spawning -= 1
        if worker is not None:
            self._idle.append(worker)
            if self._closing:
                _tell_to_end(worker)  # too late to be told with the others
        async with self._changed:
            self._changed.notify_all()
        if worker is None:
            return
        await self._listen(worker)
        self._lost(worker)
        worker.writer.close()
        status = await worker.child.wait()
        self._events.emit("process-ended", pid=worker.pid, role="worker", status=status)
        self._refill()

    async def _born(self) -> WorkerHandle:
        settings = self._settings
        child = await self._processes.spawn("worker", settings)
        reader, writer = await asyncio.open_connection(sock=child.lifeline, limit=_LINE)
        line = await reader.readline()
        if not line:
            writer.close()
            await child.wait()
            raise ConnectionError(f"worker {child.pid} ended before it was ready")
        worker = WorkerHandle(child, json.loads(line)["address"], reader, writer)
        self._workers[worker.address] = worker
        if settings != self._settings:  # they came while it was being born
            _say(worker, {"config": self._config})
        self._events.emit("process-started", pid=worker.pid, role="worker")
        return worker

    async def _listen(self, worker: WorkerHandle) -> None:
        """Its events, until EOF."""
        while True:
            try:
                line = await worker.reader.readline()
                event: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
            except (OSError, ValueError):
                return
            if not event:
                return
            self._before_event()
            kind = event.pop("kind")
            if kind:
                self._events.emit(kind, **event)
            elif "state" in event:
                worker.told.put_nowait(event["state"])
            elif event.get("idle"):
                self.give_back(worker)

    def _lost(self, worker: WorkerHandle) -> None:
        del self._workers[worker.address]
        worker.told.put_nowait(None)
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        self._ended(worker)
        worker.gone.set()


def _say(worker: WorkerHandle, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        worker.writer.write(json.dumps(message).encode() + b"\n")


def _tell_to_end(worker: WorkerHandle) -> None:
    with contextlib.suppress(OSError):
        worker.writer.write_eof()
