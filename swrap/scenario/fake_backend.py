"""Scenarios on the fake network: actors as fake processes, in virtual time.

Owns the world for as long as a run lasts, and puts together what implements ``backend.Backend`` on it. Must not
know steps or expectations. An actor can be simulated if its declaration names a function that does what it does;
that gets a ``fake.machine.Machine``. ``run`` is a whole run, from outside any loop.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from swrap.events import Event
from swrap.fake.machine import Machine
from swrap.fake.process import Process as Simulated
from swrap.fake.world import World
from swrap.faults import Network
from swrap.scenario import runner
from swrap.scenario.backend import Ended, Notice, Program
from swrap.scenario.failure import HarnessFailure
from swrap.scenario.model import Scenario
from swrap.scenario.process import FD, LAST_BYTES, LAST_LINES, LINE, OUTPUT, SocketChannel
from swrap.scenario.samples import EVERY
from swrap.scenario.verdict import Verdict
from swrap.topology import Topology


def run(
    scenario: Scenario, on_event: Callable[[Event], None], seed: int = 0, *, pace: float | None = None
) -> Verdict:
    """Play ``scenario`` in a world of its own; see ``runner.run``. ``pace``: virtual seconds a real one."""
    world = World(scenario.topology, seed)
    world.scheduler.pace = pace
    backend = FakeBackend(world, samples=pace is not None)
    return world.run(runner.run(scenario, backend, on_event, seed))


class FakeBackend:
    """Implements ``backend.Backend`` in ``world``, whose harness the runner has to be. ``samples``: of flows?"""

    name = "fake"

    def __init__(self, world: World, *, samples: bool = False) -> None:
        self._world = world
        self._samples = samples
        self._temporary: Path | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._pids: set[int] = set()

    @property
    def network(self) -> Network:
        """See ``backend.Backend``."""
        return self._world.fabric

    def now(self) -> float:
        """See ``backend.Backend``."""
        return self._world.fabric.now

    async def start(self, topology: Topology, lab: Path, seed: int, notice: Notice) -> None:
        """See ``backend.Backend``; the world is there already, and what it is made of is not given again."""
        self._world.fabric.notice = notice
        self._temporary = Path(tempfile.mkdtemp(prefix="swrap-fake-"))
        if self._samples:
            self._tasks.append(asyncio.create_task(self._sample(notice)))

    async def spawn(self, program: Program) -> FakeProcess:
        """See ``backend.Backend``."""
        main = _main(program)
        environment = {**program.environment, "TMPDIR": str(self._temporary)}
        process = self._world.make(program.host, program.name, self._world.harness.pid, environment)
        self._pids.add(process.pid)
        channel = None
        if program.protocol:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            with theirs:
                file = self._world.harness.descriptors.get(theirs.fileno())
                process.environment[FD] = str(process.descriptors.open(file))
            channel = SocketChannel(*await asyncio.open_connection(sock=ours, limit=LINE))
        process.start(main, (Machine(process),))
        return FakeProcess(process, channel)

    async def kill(self, pid: int, signal_name: str) -> bool:
        """See ``backend.Backend``."""
        process = self._world.processes.get(pid)
        if process is None:
            return False
        if process is self._world.harness:
            raise ValueError(f"process {pid} is none of this lab")
        process.signal(signal.Signals[f"SIG{signal_name}"])
        return True

    async def lost(self) -> str:
        """See ``backend.Backend``: there is nothing to break down."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody holds that future")

    async def close(self) -> None:
        """See ``backend.Backend``."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in list(self._world.processes.values()):
            if process is not self._world.harness:
                process.signal(signal.SIGKILL)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    async def _sample(self, notice: Notice) -> None:
        while True:
            for flow in self._world.fabric.flows():
                notice("flow-sample", flow.sample())
            await asyncio.sleep(EVERY)


class FakeProcess:
    """Implements ``backend.Process``."""

    def __init__(self, process: Simulated, channel: SocketChannel | None) -> None:
        self.channel = channel
        self._process = process

    @property
    def pid(self) -> int:
        """See ``backend.Process``."""
        return self._process.pid

    async def wait(self) -> Ended:
        """See ``backend.Process``."""
        status = await self._process.wait()
        if status >= 0:
            return Ended(status, None)
        return Ended(None, signal.Signals(-status).name.removeprefix("SIG"))

    def terminate(self, signal_name: str) -> None:
        """See ``backend.Process``."""
        self._process.signal(signal.Signals[f"SIG{signal_name}"])

    def output(self) -> str:
        """See ``backend.Process``."""
        return self._process.stdout.getvalue()[:OUTPUT]

    def last_words(self) -> str:
        """See ``backend.Process``."""
        return "\n".join(self._process.stderr.getvalue()[-LAST_BYTES:].splitlines()[-LAST_LINES:])


def _main(program: Program) -> Any:
    """The function that a program is, simulated. Raises HarnessFailure."""
    if program.simulated is None:
        what = " ".join(program.command)
        raise HarnessFailure(
            f"{program.name} cannot be simulated: `{what}` is a real program; use --backend shim"
        )
    module, _, name = program.simulated.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise HarnessFailure(f"{program.name} cannot be simulated: {program.simulated}: {error}") from error
