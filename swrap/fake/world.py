"""A whole fake network that runs: its fabric, its processes, its clock, its chance.

Owns who there is and the order in which they are made. Must not know what programs do. ``Network`` and the
scenario back end are made of it.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from swrap.fake import seeds
from swrap.fake.collector import by_turns
from swrap.fake.fabric.fabric import Fabric, Notice
from swrap.fake.inside import patch
from swrap.fake.inside.current import current
from swrap.fake.inside.globals import Globals
from swrap.fake.kernel.unix_names import UnixNames
from swrap.fake.process import Main, Process
from swrap.fake.scheduler import Scheduler
from swrap.topology import Topology

_T = TypeVar("_T")

FIRST_PID = 1000
EPOCH = 1_750_000_000
"""What ``time.time`` says at the beginning, in seconds since 1970: mid 2025."""


class World:
    """``harness`` is the process of whoever watches: on no host, and with the power to make others."""

    def __init__(self, topology: Topology, seed: int = 0, notice: Notice = lambda kind, data: None) -> None:
        self.seed = seed
        self.fabric = Fabric(topology, seeds.stream(seed, "network"), notice)
        self.unix = UnixNames()
        self.scheduler = Scheduler(self.fabric, seeds.stream(seed, "turns"), self.enter, self.who_waits)
        self.processes: dict[int, Process] = {}
        self._dead: list[Process] = []
        self._last = FIRST_PID
        self.harness = self.make(None, "harness", 1, {})
        self.globals = Globals(self.harness.globals)

    def spawn(self, host: str, main: Main, *args: Any, name: str | None = None) -> Process:
        """Start ``await main(*args)`` as a process on ``host``. Raises KeyError where there is no such host."""
        process = self.make(host, name or str(getattr(main, "__name__", "process")), self.harness.pid, {})
        process.start(main, args)
        return process

    def make(self, host: str | None, name: str, parent: int, environment: Mapping[str, str]) -> Process:
        """A process that does nothing yet; see ``Process.start``."""
        where = None if host is None else self.fabric.hosts[host]
        pid, self._last = self._last, self._last + 1
        process = Process(
            self, where, name, pid, parent, environment, seeds.stream(self.seed, "process", pid)
        )
        self.processes[pid] = process
        return process

    def run(self, story: Coroutine[Any, Any, _T]) -> _T:
        """Run ``story`` in the harness, and everything else meanwhile; what it returns. Raises Deadlock too.

        Afterwards the world is over: all processes are killed.
        """
        with patch.installed(), by_turns():
            before = current.process, current.thread
            current.enter()
            try:
                with asyncio.Runner(loop_factory=lambda: self.harness.loop) as runner:
                    return runner.run(story)
            finally:
                self.end()
                current.process, current.thread = before
                self.globals.complain()

    def end(self) -> None:
        """Kill every process that is left; what their coroutines held is let go."""
        for process in list(self.processes.values()):
            process.exit(-9)
        dead, self._dead = self._dead, []
        for process in dead:
            process.unwind()
        self.enter(self.harness)
        events._set_running_loop(None)

    def enter(self, process: Process) -> None:
        """It is ``process`` that runs from now on."""
        current.process = process
        events._set_running_loop(process.loop)
        self.globals.enter(process.globals)

    def bury(self, process: Process) -> None:
        """It has ended."""
        del self.processes[process.pid]
        self._dead.append(process)

    def who_waits(self) -> str:
        """A line for each task of each process: what it waits for."""
        lines = ["everybody waits, and nothing will ever happen:"]
        for process in self.processes.values():
            for task in process.tasks():
                lines.append(f"  {process.name} ({process.pid}): {task.get_name()}: {_where(task)}")
        return "\n".join(lines)


def _where(task: asyncio.Task[Any]) -> str:
    """The innermost await of a task that is in somebody's file."""
    places = []
    at: Any = task.get_coro()
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        if frame is not None:
            code = frame.f_code
            places.append(f"{code.co_qualname} ({code.co_filename.rpartition('/')[2]}:{frame.f_lineno})")
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return " → ".join(places[-3:]) or "?"
