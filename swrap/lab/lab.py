"""A running network, from start to close: the owner's side.

Owns the order in which directory, page, keeper and switch come and go, and the spawning of programs inside
hosts. Must not know of scenarios or of what the programs are. Called by the scenario runner and the command
line, as

    async with await Lab.start(topology) as lab:
        server = await lab.spawn("server", ["python3", "-m", "http.server", "80"])
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from swrap.abi.page import Page
from swrap.lab import child, environment, orphans, proc, registry, started, target
from swrap.lab.capture import Capture, Wanted
from swrap.lab.child import Helper
from swrap.lab.errors import LabError
from swrap.lab.guard import before_exec
from swrap.lab.record import Process, Record, asked_to_end
from swrap.lab.started import Started
from swrap.switch.client import ControlClient
from swrap.switch.rtnetlink import door
from swrap.topology import Topology

Stream = int | IO[bytes] | None

KEEPER, SWITCH = "swrap.lab.keeper", "swrap.switch"
"""The modules that the lab's helpers are."""


class Failed(asyncio.Event):
    """Set when the lab is over though nobody here has closed it.

    ``reason`` says why: it has lost its switch or its keeper, and how; or it was ``told``, by `swrap down`.
    """

    reason: str = ""
    told: bool = False


class Lab:
    """A lab that this process owns. Ends with `close`, or with this process, however that ends."""

    def __init__(self, topology: Topology, directory: Path, record: Record, lock: int) -> None:
        self.topology = topology
        self.directory = directory
        self.record = record
        self.failed = Failed()
        self.complaint: str | None = None
        """Once it is closed: what is wrong with its capture."""
        self._lock = lock
        self._keeper: Helper | None = None
        self._switch: Helper | None = None
        self._control: ControlClient | None = None
        self._capture: Capture | None = None
        self._programs: list[Started] = []
        self._adoption: orphans.Adoption | None = None
        self._watch: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        topology: Topology,
        *,
        directory: Path | None = None,
        source: Path | None = None,
        guard: bool = True,
        direct: bool = False,
        command: str = "run",
        adopt: bool = False,
        capture: Wanted | None = None,
    ) -> Self:
        """Start a lab and return when its network works.

        ``directory``: absent or empty, instead of a private one of its own; removed at the end in either
        case. ``source``: the file that it runs from, by which others find it. ``guard``: programs can make no
        socket of the machine's real network. ``direct``: without a switch, so without faults. ``command``:
        what to call the lab in lists. ``adopt``: this process has no children but the lab's, and takes in
        those whose parents die. ``capture``: write its packets to a file.

        Refused says what is wrong with the directory; LabError why a part did not start; OSError is the file
        system's.
        """
        path, lock = registry.create(source.stem if source else "lab", directory)
        try:
            with closing(Page.create(path / "page", topology, direct=direct)) as page:
                record = Record(
                    lab=page.lab,
                    owner=Process.of(os.getpid()),
                    command=command,
                    source=_real(source),
                    direct=direct,
                    guard=guard,
                    adopts=adopt,
                    hosts={host.name: [i.name for i in host.interfaces] for host in topology.hosts},
                    since=datetime.now(UTC).isoformat(timespec="milliseconds"),
                    network=proc.namespace("self"),
                )
            environment.prepare(path)
            record.write(path)
        except BaseException:
            os.close(lock)
            registry.remove(path)
            raise
        lab = cls(topology, path, record, lock)
        try:
            await lab._start_helpers()
            if capture is not None:
                lab._capture = await Capture.start(capture, path)
        except BaseException:
            await lab.close()
            raise
        return lab

    @property
    def control(self) -> ControlClient:
        """The control connection of the lab's switch. LabError where the lab is direct and has none."""
        if self._control is None:
            raise LabError(f"{self.directory}: a direct lab has no switch")
        return self._control

    def environment(self, host: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that put a program into ``host``: LD_PRELOAD, SWRAP_LAB, SWRAP_HOST.

        What ``base`` (default: this process's environment) has in LD_PRELOAD stays, behind the shim. Refused
        where there is no such host.
        """
        self._check(host)
        return environment.inside(self.directory, host, os.environ if base is None else base)

    async def spawn(
        self,
        host: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        pass_fds: Collection[int] = (),
        new_session: bool = True,
        unblock: Iterable[signal.Signals] = (),
    ) -> Started:
        """Start a program inside ``host``, behind the guard; it is killed when this process dies.

        ``env`` is its whole environment (default: ours), to which the host's variables are added. Only stdin,
        stdout, stderr and ``pass_fds`` are inherited. ``new_session=False`` leaves it on our terminal, for
        Ctrl-C and job control; ``unblock`` are signals that we have blocked and it should not.

        NoProgram and CannotWrap are raised before anything is started; LabError if the lab is over.
        """
        self._check(host)
        full = dict(os.environ if env is None else env)
        full.update(environment.inside(self.directory, host, full))
        program = target.check(argv, env=full, cwd=cwd)
        try:
            with self._spawning():
                process = await started.start(
                    argv,
                    executable=program,
                    env=full,
                    cwd=cwd,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=tuple(pass_fds),
                    start_new_session=new_session,
                    preexec_fn=before_exec(os.getpid(), guard=self.record.guard, unblock=unblock),
                )
                self._programs = [one for one in self._programs if one.returncode is None]
                self._programs.append(process)
        except subprocess.SubprocessError:
            raise LabError(f"{argv[0]}: the kernel refuses the guard; `swrap doctor` says more") from None
        return process

    async def close(self) -> None:
        """End every process of the lab, stop the switch, remove the directory. May be called again."""
        if self._end is None:
            self._end = asyncio.create_task(self._finish())
        # Shielded: whoever is interrupted while waiting must not leave half of it undone.
        await asyncio.shield(self._end)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _check(self, host: str) -> None:
        if self.failed.is_set() or self._end is not None:
            raise LabError(self.failed.reason or "the lab is over")
        environment.pick_host(self.record.hosts, host, self.record.source or "this lab")

    def _spawning(self) -> orphans.Pause:
        return orphans.Pause(self._adoption)

    async def _start_helpers(self) -> None:
        if self.record.adopts:
            self._adoption = orphans.Adoption(self._own_children)
        limits = self.topology.limits
        times = [
            *("--syn-timeout", str(limits.syn_timeout)),
            *("--retransmit-timeout", str(limits.retransmit_timeout)),
        ]
        watched = ["--owner", str(os.getpid()), "--lock-fd", str(self._lock)]

        async def keeper() -> None:
            with contextlib.ExitStack() as ours:
                fds = [self._lock]
                if self.record.direct:
                    page = ours.enter_context(closing(Page.open(self.directory / "page")))
                    fds.append(ours.enter_context(door.listen(page)).fileno())
                    watched.extend(("--route-fd", str(fds[1])))
                self._keeper = await child.start("keeper", KEEPER, watched, self.directory, fds=fds)

        async def switch() -> None:
            self._switch = await child.start("switch", SWITCH, times, self.directory)

        with self._spawning():
            starting = [keeper()] if self.record.direct else [keeper(), switch()]
            for problem in await asyncio.gather(*starting, return_exceptions=True):
                if problem is not None:
                    raise problem
        if self._switch is not None:
            self._control = await ControlClient.connect(self.directory)
        self.record = replace(
            self.record,
            ready=True,
            keeper=_process(self._keeper),
            switch=_process(self._switch),
        )
        self.record.write(self.directory)
        self._watch = asyncio.create_task(self._wait_for_failure())

    async def _wait_for_failure(self) -> None:
        """A lab that has lost a part has lost its promise: end all of it, and say why."""
        helpers = [helper for helper in (self._keeper, self._switch) if helper]
        waits = {asyncio.create_task(helper.process.wait()): helper for helper in helpers}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        helper = waits[done.pop()]
        # The keeper ends the switch before itself, and then removes the directory and the word left in it.
        self.failed.told = not self.directory.exists() or asked_to_end(self.directory) is not None
        self.failed.reason = "it was ended by `swrap down`" if self.failed.told else _how(helper)
        self.failed.set()
        self._end = self._end or asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._control is not None:
            await self._control.close()
        if self._keeper is not None:
            os.close(self._keeper.pipe)
            if await self._keeper.process.wait() != 0:
                await self._clear_up()
        else:
            await self._clear_up()
        if self._switch is not None:
            os.close(self._switch.pipe)
            await self._switch.process.wait()
        if self._capture is not None:
            self.complaint = await self._capture.finish()
        for program in self._programs:
            await program.wait()
            await program.finish()
        if self._adoption is not None:
            self._adoption.close()
        os.close(self._lock)

    async def _clear_up(self) -> None:
        """What the keeper would have done: by another one, for which the lab is over from the start."""
        if not self.directory.exists():
            return
        watched = ["--owner", str(os.getpid()), "--lock-fd", str(self._lock)]
        with self._spawning():
            try:
                keeper = await child.start("keeper", KEEPER, watched, self.directory, fds=[self._lock])
            except (LabError, OSError):
                await asyncio.to_thread(registry.clear_away, self.directory)
                return
            os.close(keeper.pipe)
            await keeper.process.wait()

    def _own_children(self) -> set[int]:
        helpers = [helper.process for helper in (self._keeper, self._switch) if helper]
        return {process.pid for process in (*helpers, *self._programs)}


def _process(helper: Helper | None) -> Process | None:
    return Process.of(helper.process.pid) if helper else None


def _how(helper: Helper) -> str:
    status = helper.process.returncode or 0
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"the {helper.name} {how}{child.last_words(helper.log)}"


def _real(source: Path | None) -> str | None:
    return str(source.resolve()) if source else None
