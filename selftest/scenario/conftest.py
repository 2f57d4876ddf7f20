"""A back end without a network and without processes, on a clock that nobody waits for.

Actors are coroutines (``toy_actor``), faults are only remembered, and the loop's clock jumps as soon as all
are idle: a deadline of a minute costs nothing, and a run is the same every time.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from swrap.document import BadInput
from swrap.events import Event
from swrap.faults import Match, Touched
from swrap.faults.rule import Rule
from swrap.scenario import Ended, Program, Scenario, Verdict, check, load, run
from swrap.scenario.backend import Notice

sys.path.insert(0, str(Path(__file__).parent))
from toy_actor import DECLARATION, toy

TOY = Path(__file__).with_name("toy_actor.py")

LAB = """\
lab:
  hosts:
    server: {eth0: 10.0.1.1/24, wlan0: 10.0.2.1/24}
    laptop: {eth0: 10.0.1.2/24, wlan0: 10.0.2.2/24}
"""

HEAD = (
    "title: A test\n"
    + LAB
    + """\
actors:
  one: {command: [toy], schema: toy.json, host: server}
  two: {command: [toy], schema: toy.json, host: laptop, with: {greeting: hello}}
"""
)
"""A scenario but for its steps: two toys, on a host each."""


class _Jump(selectors.DefaultSelector):
    """Instead of waiting it puts the clock forward."""

    clock = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits for somebody else")
        if not ready:
            self.clock += timeout or 0.0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while nobody has anything to do."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.clock


class _Queue:
    """A Channel whose other end is a coroutine."""

    def __init__(self) -> None:
        self.to_actor: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.to_runner: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.closed = False

    async def send(self, line: bytes) -> None:
        if self.closed:
            raise BrokenPipeError("closed")
        self.to_actor.put_nowait(line)

    async def receive(self) -> bytes | None:
        return await self.to_runner.get()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.to_actor.put_nowait(None)


@dataclass
class FakeProcess:
    """A Process that is a coroutine."""

    pid: int
    channel: _Queue | None
    life: asyncio.Task[Ended] | None = None
    words: str = ""
    printed: str = ""

    async def wait(self) -> Ended:
        assert self.life is not None
        return await asyncio.shield(self.life)

    def terminate(self, signal: str) -> None:
        assert self.life is not None
        self.life.cancel(signal)

    def output(self) -> str:
        return self.printed

    def last_words(self) -> str:
        return self.words


@dataclass
class FakeBackend:
    """Remembers faults in ``asked``; each touches what ``touched`` says by its method's name."""

    touched: dict[str, Touched] = field(default_factory=dict)
    programs: dict[str, Callable[[FakeProcess], Coroutine[Any, Any, Ended]]] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    started: list[Program] = field(default_factory=list)
    processes: dict[int, FakeProcess] = field(default_factory=dict)
    start_raises: Exception | None = None
    closed: int = 0
    name: str = "test"
    notice: Notice | None = None
    before_touch: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.up = asyncio.Event()
        self.broken: asyncio.Future[str] | None = None

    @property
    def network(self) -> FakeBackend:
        return self

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def start(self, topology: Any, lab: Path, seed: int, notice: Notice) -> None:
        self.notice = notice
        if self.start_raises is not None:
            raise self.start_raises
        self.broken = asyncio.get_running_loop().create_future()
        self.up.set()

    async def spawn(self, program: Program) -> FakeProcess:
        self.started.append(program)
        process = FakeProcess(1000 + 10 * len(self.started), _Queue() if program.protocol else None)
        body = self.programs.get(program.name, _be_toy)(process)
        process.life = asyncio.create_task(_live(process, body))
        self.processes[process.pid] = process
        return process

    async def kill(self, pid: int, signal: str) -> bool:
        self.asked.append(("kill", pid, signal))
        if pid not in self.processes and pid - 1 not in self.processes:
            raise ValueError(f"process {pid} is none of this lab")
        if pid in self.processes:
            self.processes[pid].terminate(signal)
        return True

    async def lost(self) -> str:
        await self.up.wait()
        assert self.broken is not None
        return await asyncio.shield(self.broken)

    async def close(self) -> None:
        self.closed += 1
        for process in self.processes.values():
            process.terminate("KILL")

    # --- network

    async def link(self, interface: str, up: bool) -> Touched:
        return await self._ask("link", interface, up)

    async def rate(self, interface: str, rate: int | None) -> Touched:
        return await self._ask("rate", interface, rate)

    async def speed(self, interface: str, speed: int) -> Touched:
        return await self._ask("speed", interface, speed)

    async def add_address(self, interface: str, address: str) -> Touched:
        return await self._ask("add_address", interface, address)

    async def remove_address(self, address: str) -> Touched:
        return await self._ask("remove_address", address)

    async def move(self, address: str, to: str, reset: bool) -> Touched:
        return await self._ask("move", address, to, reset)

    async def impose(self, rule: Rule) -> Touched:
        return await self._ask(rule.verb, rule.what)

    async def lift(self, verb: str, rule: int | None) -> Touched:
        return await self._ask(verb, rule)

    async def reset(self, match: Match) -> Touched:
        return await self._ask("reset", match)

    async def _ask(self, verb: str, *args: Any) -> Touched:
        self.asked.append((verb, *args))
        if self.before_touch is not None:
            self.before_touch()
        await asyncio.sleep(0.001)
        return self.touched.get(verb, Touched(2, 1000))


async def _be_toy(process: FakeProcess) -> Ended:
    assert process.channel is not None
    queue = process.channel

    async def send(line: bytes) -> None:
        queue.to_runner.put_nowait(line)

    return Ended(await toy(queue.to_actor.get, send, process.pid), None)


async def _live(process: FakeProcess, body: Coroutine[Any, Any, Ended]) -> Ended:
    try:
        return await body
    except asyncio.CancelledError as error:
        return Ended(None, error.args[0] if error.args else "KILL")
    finally:
        if process.channel is not None:
            process.channel.to_runner.put_nowait(None)


@dataclass
class Ran:
    """A run that is over: what came of it, and all its events."""

    verdict: Verdict
    events: list[Event]
    backend: FakeBackend

    def kinds(self, *without: str) -> list[str]:
        return [event.kind for event in self.events if event.kind not in without]

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    @property
    def failure(self) -> str:
        assert self.verdict.failed is not None, self.verdict
        return self.verdict.failed.cause.message


class Stories:
    """Writes scenarios into a folder, checks them, runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "toy.json").write_text(json.dumps(DECLARATION))
        self.file = folder / "story.yaml"

    def backend(self, **more: Any) -> FakeBackend:
        return FakeBackend(**more)

    def virtually(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on a clock that nobody waits for."""
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(work)

    def load(self, text: str, head: str = HEAD) -> Scenario:
        self.file.write_text(head + text)
        return load(self.file)

    def problems(self, text: str, head: str = HEAD) -> list[str]:
        """What is wrong, as ``line:col: message``, the line counted from the first after ``head``."""
        self.file.write_text(head + text)
        found = []
        for problem in check(self.file):
            line = problem.mark.line - head.count("\n")
            found.append(f"{line}:{problem.mark.column}: {problem.message}")
        return found

    def run(
        self,
        text: str,
        head: str = HEAD,
        *,
        backend: FakeBackend | None = None,
        on_event: Callable[[Event], None] | None = None,
        seed: int = 0,
    ) -> Ran:
        try:
            scenario = self.load(text, head)
        except BadInput as error:
            raise AssertionError(str(error)) from error
        where = backend or FakeBackend()
        events: list[Event] = []

        def heard(event: Event) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        verdict = self.virtually(run(scenario, where, heard, seed, signals=False))
        return Ran(verdict, events, where)


@pytest.fixture
def stories(tmp_path: Path) -> Stories:
    """Scenarios in a folder of their own."""
    return Stories(tmp_path)


@pytest.fixture
def toys() -> dict[str, Any]:
    """What a toy actor declares of itself."""
    return DECLARATION
