"""The run as its actions see it: results, events, actors, time.

Owns the state of one run and what actions, triggers and faults may do with it. Must not know the plan
(``play`` does), nor any single action. One is made a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from swrap.document import JSON
from swrap.events import NETWORK, RUN
from swrap.faults import Fault, Network, Touched
from swrap.scenario.actions.base import Context
from swrap.scenario.actor import RunningActor
from swrap.scenario.backend import Backend, Ended, Program
from swrap.scenario.failure import StepFailure
from swrap.scenario.kills import Kills
from swrap.scenario.log import Log
from swrap.scenario.model import Scenario
from swrap.scenario.pattern import Pattern
from swrap.scenario.reference import NotThere, Template, resolve
from swrap.topology import Topology


class Stage:
    """One run in progress."""

    def __init__(self, scenario: Scenario, backend: Backend, log: Log, seed: int) -> None:
        self.topology: Topology = scenario.topology
        self.log = log
        self.results: dict[str, JSON] = {RUN: {"seed": seed}}
        self.progress: dict[str, tuple[int, int]] = {}
        """(done, total) of steps by their ``as:``."""
        self.background: dict[str, asyncio.Task[JSON]] = {}
        self.first_turn = 0.0
        self.missed: list[Context] = []
        """The steps whose faults touched nothing and should not have."""
        self._declared = {actor.name: actor for actor in scenario.actors}
        self._seed = seed
        self._backend = backend
        self._actors: dict[str, RunningActor] = {}
        self._window = 0
        self._taken: set[int] = set()
        self._kills = Kills(backend.kill, log, self._actors)

    # --- time

    def now(self) -> float:
        """Seconds since the run's start."""
        return self.log.at()

    async def sleep_until(self, at: float) -> None:
        """Return at that time of the run, which only a story asks for, by ``after`` and ``at``."""
        await asyncio.sleep(max(0.0, at - self.now()))

    # --- events

    def act(self) -> None:
        """An action begins: events from here on count for those who wait after it."""
        self._window = len(self.log.events)

    async def next_event(self, pattern: Pattern) -> Any:
        """The first event that fits, came since the last action began, and was not taken before."""
        wanted = self._resolved(pattern)
        looked_at = self._window

        def found() -> int | None:
            nonlocal looked_at
            for index in range(looked_at, len(self.log.events)):
                if index not in self._taken and wanted.matches(self.log.events[index]):
                    return index
            looked_at = len(self.log.events)
            return None

        index = await self.log.until(found)
        self._taken.add(index)
        return self.log.events[index]

    def seen_instead(self, pattern: Pattern) -> str:
        """What came since the last action began in place of what ``pattern`` describes."""
        wanted = self._resolved(pattern)
        likely = [event for event in self.log.events[self._window :] if wanted.likely(event)]
        if likely:
            last = likely[-1]
            why = ", ".join(wanted.misses(last)) or "waited for before"
            return f"{len(likely)} × {wanted.kind}, the last at {last.at:.2f} s with {why}"
        before = [event for event in self.log.events if wanted.matches(event)]
        if before:
            return f"none since the last action; one before it, at {before[-1].at:.2f} s"
        return f"no {wanted.kind}" + (f" from {wanted.source}" if wanted.source else "")

    # --- results

    def resolve(self, template: Template) -> Any:
        """``template`` with the results that it refers to. Raises StepFailure."""
        try:
            return resolve(template, self.results)
        except NotThere as error:
            raise StepFailure(str(error)) from error

    def _resolved(self, pattern: Pattern) -> Pattern:
        try:
            return pattern.resolved(self.results)
        except NotThere as error:
            raise StepFailure(str(error)) from error

    # --- steps in the background

    def made_progress(self, context: Context, actor: str, done: int, total: int) -> None:
        """A verb is on its way."""
        if context.name is not None:
            self.progress[context.name] = done, total
        data: dict[str, JSON] = {"step": context.number, "as": context.name, "actor": actor}
        self.log.emit("progress", RUN, data | {"done": done, "total": total})

    async def progress_of(self, name: str, reached: Callable[[int, int], bool]) -> None:
        """Return when the step ``name`` has got so far. Raises StepFailure if it is over before."""

        def found() -> bool | None:
            if reached(*self.progress.get(name, (0, 0))):
                return True
            return False if name in self.background and self.background[name].done() else None

        if not await self.log.until(found):
            done, total = self.progress.get(name, (0, 0))
            told = (
                f"its last word was {done} of {total}"
                if name in self.progress
                else "it never told its progress"
            )
            raise StepFailure(f"{name} was done before it got so far; {told}", seen=told)

    async def joined(self, name: str) -> JSON:
        """The result of a step in the background, when it has one. Raises StepFailure if it failed."""
        return await asyncio.shield(self.background[name])

    # --- faults

    async def inflict(self, fault: Fault, context: Context) -> Touched:
        """Make a fault happen, and log it ahead of all that comes of it. Raises StepFailure."""
        with self.log.cause() as caused:
            try:
                touched = await fault.apply(_Target(self._backend.network, self._kills))
            except ValueError as error:
                raise StepFailure(str(error)) from error
            data: dict[str, JSON] = {**fault.data(), "flows": touched.flows, "bytes": touched.bytes}
            if touched.processes:
                data["processes"] = touched.processes
            caused(fault.verb, NETWORK, data | dict(touched.details))
        if touched.nothing and not (fault.may_miss or context.may_miss):
            self.missed.append(context)
            data = {"step": context.number, "text": context.text, "where": context.where}
            self.log.emit("fault-missed", RUN, data)
        return touched

    # --- actors

    def actor(self, name: str) -> RunningActor:
        """The actor ``name``. Raises StepFailure where it was not started yet."""
        if name not in self._actors:
            raise StepFailure(f"{name} was not started yet; `- start: {name}` comes first")
        return self._actors[name]

    async def start_actor(self, name: str) -> int:
        """Start an actor and return its pid when it is ready. Raises StepFailure, HarnessFailure."""
        declared = self._declared[name]
        if name in self._actors and not self._actors[name].over:
            raise StepFailure(f"{name} is running already")
        environment = {"SWRAP_SEED": str(self._seed), **declared.environment}
        program = Program(
            name,
            declared.host,
            declared.command,
            environment,
            declared.directory,
            protocol=declared.type is not None,
            simulated=declared.type.simulated if declared.type is not None else None,
        )
        process = await self._backend.spawn(program)
        running = RunningActor(name, process, lambda kind, data: self.log.emit(kind, name, data))
        running.expected = declared.type is None or declared.exit_awaited
        self._actors[name] = running
        said: dict[str, JSON] = {"actor": name, "host": declared.host, "program": declared.program}
        self.log.emit("actor-started", RUN, said | {"pid": process.pid})
        running.watch(self._exited)
        await running.start(self.resolve(declared.config))
        self.log.emit("actor-ready", RUN, {"actor": name, "pid": process.pid})
        return process.pid

    def running(self) -> list[RunningActor]:
        """All actors that were started and have not ended, the last one first."""
        return [actor for actor in reversed(self._actors.values()) if not actor.over]

    def surprise(self) -> str | None:
        """How an actor ended that nobody told to, or None."""
        return next((actor.surprise for actor in self._actors.values() if actor.surprise), None)

    def _exited(self, actor: RunningActor, ended: Ended) -> None:
        data: dict[str, JSON] = {"actor": actor.name, "pid": actor.process.pid, "expected": actor.expected}
        self.log.emit("actor-exited", RUN, data | {"status": ended.status, "signal": ended.signal})


class _Target:
    """What faults act on: the back end's network, and the processes of the run."""

    def __init__(self, network: Network, processes: Kills) -> None:
        self.kill = processes.kill
        self.link = network.link
        self.rate = network.rate
        self.speed = network.speed
        self.add_address = network.add_address
        self.remove_address = network.remove_address
        self.move = network.move
        self.impose = network.impose
        self.lift = network.lift
        self.reset = network.reset
