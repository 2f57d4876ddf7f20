"""Scenarios on real processes: a lab with its switch, programs under the shim.

Owns the lab for as long as a run lasts, and puts together what implements ``backend.Backend`` on it. Must
not know steps or expectations. Made by the command line, one a run.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import swrap
from swrap.abi import options
from swrap.document import JSON
from swrap.faults import Network
from swrap.lab import members
from swrap.lab.capture import Wanted
from swrap.lab.errors import LabError
from swrap.lab.gaps import CALLS, what
from swrap.lab.lab import Lab
from swrap.scenario.backend import Notice, Program
from swrap.scenario.failure import HarnessFailure
from swrap.scenario.process import RealProcess
from swrap.scenario.samples import sample
from swrap.scenario.shim_network import ShimNetwork
from swrap.topology import Topology


class ShimBackend:
    """Implements ``backend.Backend``. ``guard``, ``capture``: see ``Lab.start``; ``samples``: are flows sampled?"""

    name = "shim"

    def __init__(self, *, guard: bool = True, samples: bool = True, capture: Wanted | None = None) -> None:
        self._guard = guard
        self._samples = samples
        self._capture = capture
        self._lab: Lab | None = None
        self._network: ShimNetwork | None = None
        self._logs: Path | None = None
        self._notice: Notice | None = None
        self._hosts: list[str] = []
        self._up = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def network(self) -> Network:
        """See ``backend.Backend``."""
        if self._network is None:
            raise AssertionError("the network is not up")
        return self._network

    @property
    def lab(self) -> Lab:
        """The lab, from ``start`` on."""
        if self._lab is None:
            raise AssertionError("the lab is not up")
        return self._lab

    @property
    def complaint(self) -> str | None:
        """Once it is closed: what is wrong with its capture."""
        return self._lab.complaint if self._lab is not None else None

    def now(self) -> float:
        """See ``backend.Backend``."""
        return asyncio.get_running_loop().time()

    async def start(self, topology: Topology, lab: Path, seed: int, notice: Notice) -> None:
        """See ``backend.Backend``."""
        try:
            self._lab = await Lab.start(topology, source=lab, guard=self._guard, capture=self._capture)
            self._logs = self._lab.directory / "actors"
            self._logs.mkdir(mode=0o700)
            control = self._lab.control
            await control.call("seed", seed=seed % (1 << 64))
            await control.call("subscribe")  # so that no event of the first step is missed
        except (LabError, OSError) as error:
            raise HarnessFailure(str(error)) from error
        self._notice, self._hosts = notice, [host.name for host in topology.hosts]
        self._network = ShimNetwork(control, notice)
        self._tasks.append(asyncio.create_task(self._network.listen(), name="events of the switch"))
        if self._samples:
            watch = sample(self._lab.directory, self._network.flows, notice)
            self._tasks.append(asyncio.create_task(watch, name="samples"))
        self._up.set()

    async def spawn(self, program: Program) -> RealProcess:
        """See ``backend.Backend``."""
        if self._logs is None:
            raise AssertionError("the lab is not up")

        async def start(
            environment: Mapping[str, str], out: IO[bytes], err: IO[bytes], fds: tuple[int, ...]
        ) -> asyncio.subprocess.Process:
            return await self.lab.spawn(
                program.host,
                program.command,
                env=_environment(program, environment, self.lab.directory / "tmp"),
                cwd=program.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=fds,
            )

        try:
            return await RealProcess.spawn(program, self._logs, start)
        except (LabError, OSError) as error:
            raise HarnessFailure(f"{program.name} cannot be started: {error}") from error

    async def kill(self, pid: int, signal_name: str) -> bool:
        """See ``backend.Backend``. A pid alone proves nothing: it is held, then looked at, then signalled."""
        try:
            held = os.pidfd_open(pid)
        except (ProcessLookupError, OSError):
            return False
        try:
            if all(program.pid != pid for program in members.programs(self.lab.directory)):
                raise ValueError(f"process {pid} is none of this lab")
            signal.pidfd_send_signal(held, signal.Signals[f"SIG{signal_name}"])
        except ProcessLookupError:
            return False
        finally:
            os.close(held)
        return True

    async def lost(self) -> str:
        """See ``backend.Backend``."""
        await self._up.wait()
        failed = asyncio.create_task(self.lab.failed.wait())
        watched = {failed, *self._tasks}
        try:
            while not failed.done():
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {failed}:
                    error = task.exception()
                    # Where the switch is gone both tasks end, and why it is gone the lab will say.
                    if error is not None and not isinstance(error, HarnessFailure):
                        return f"{task.get_name()}: {error!r}"
        finally:
            failed.cancel()
        return self.lab.failed.reason

    async def close(self) -> None:
        """See ``backend.Backend``."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._lab is not None:
            self._tell_gaps(self._lab.directory)
            try:
                await self._lab.close()
            except (LabError, OSError) as error:
                raise HarnessFailure(f"the lab does not end: {error}") from error

    def _tell_gaps(self, lab: Path) -> None:
        """An event for each thing that the programs of a host asked for in vain, the most frequent first."""
        if self._notice is None:
            return
        try:
            found, _ = options.gaps(lab / options.NAME)
        except (OSError, ValueError):
            return
        counted: Counter[tuple[str, str, str, str]] = Counter()
        pids: defaultdict[tuple[str, str, str, str], list[JSON]] = defaultdict(list)
        for gap in found:
            host = self._hosts[gap.host] if gap.host < len(self._hosts) else "?"
            key = host, gap.program, CALLS[gap.kind], what(gap)
            counted[key] += gap.count
            pids[key].append(gap.pid)
        for key, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
            host, program, call, asked = key
            said: dict[str, JSON] = {"host": host, "program": program, "pids": pids[key]}
            self._notice("gap", said | {"call": call, "what": asked, "count": count})


def _environment(program: Program, additional: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """The whole environment: ours, the scenario's, and for our own actors the way to their modules.

    Temporary files go where they end with the lab, even those of a program that is killed.
    """
    temporary.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), **additional}
    if program.directory is None:
        parent = str(Path(swrap.__file__).resolve().parent.parent)
        with suppress(KeyError):
            parent = os.pathsep.join([parent, os.environ["PYTHONPATH"]])
        environment["PYTHONPATH"] = parent
    return environment
