"""A run, from an empty network to a verdict, on any back end.

Owns the order around the steps: network up, actors up, the play, the judgement, everything down; and what
becomes of a run when the network breaks, a reporter fails, or a signal comes. Called by the command line
and by tests.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from swrap.document import JSON
from swrap.events import NETWORK, RUN, Event
from swrap.scenario.actor import RunningActor
from swrap.scenario.backend import Backend
from swrap.scenario.expectations import Evidence, Judgement, judge
from swrap.scenario.failure import Cause, HarnessFailure, StepFailure
from swrap.scenario.log import Log
from swrap.scenario.model import Scenario
from swrap.scenario.play import Play
from swrap.scenario.stage import Stage
from swrap.scenario.verdict import FailedStep, Missed, Verdict
from swrap.topology.spelled import spelled

_LOG = logging.getLogger(__name__)

READY_WITHIN = 30.0
"""Seconds that an actor may take to be ready: a guard."""

GRACE = 3.0
"""Seconds that an actor may take to end when it is told to."""

QUIET, QUIET_AT_MOST = 0.1, 1.0
"""Seconds. What the last step brought about may still be on its way when that step is done, through other
processes; so the run is judged when no event came for so long, or after so long at most."""


async def run(
    scenario: Scenario,
    backend: Backend,
    on_event: Callable[[Event], None],
    seed: int = 0,
    *,
    signals: bool = True,
) -> Verdict:
    """Run ``scenario`` on ``backend``, which is closed in any case, and return what it comes to.

    ``on_event`` gets every event in order and must not block. ``signals``: SIGINT, SIGTERM, SIGHUP end it
    cleanly (a second one without grace); without it a cancellation does, and is passed on.
    """
    return await _Run(scenario, backend, on_event, seed).run(signals)


class _Run:
    def __init__(
        self, scenario: Scenario, backend: Backend, on_event: Callable[[Event], None], seed: int
    ) -> None:
        self.scenario = scenario
        self.backend = backend
        self.seed = seed
        self.log = Log(backend.now, on_event)
        self.stage: Stage | None = None
        self.play: Play | None = None
        self.failed: FailedStep | None = None
        self.harness: str | None = None
        self.interrupted: int | None = None
        self.hurry = asyncio.Event()

    async def run(self, signals: bool) -> Verdict:
        try:
            work = asyncio.create_task(self._work(), name="scenario")
            with self._catching(work) if signals else _nothing():
                self._started()
                try:
                    await self._watched(work)
                finally:
                    judged = self._judge()
                    await self._end()
        except asyncio.CancelledError:
            if self.interrupted is None:
                raise
        return self._ended(judged)

    async def _work(self) -> None:
        """All that a run is about. Raises HarnessFailure."""
        await self.backend.start(self.scenario.topology, self.scenario.lab, self.seed, self._notice)
        self.stage = Stage(self.scenario, self.backend, self.log, self.seed)
        for actor in self.scenario.actors:
            if not actor.started_by_step:
                where = f"{actor.mark.file}:{actor.mark.line}"
                try:
                    async with asyncio.timeout(READY_WITHIN):
                        await self.stage.start_actor(actor.name)
                except StepFailure as failure:
                    self.failed = FailedStep(0, f"start {actor.name}", where, failure.cause)
                except TimeoutError:
                    seen = f"{actor.name} was not ready within {READY_WITHIN:.0f} s"
                    cause = Cause(seen, f"{actor.name} to be ready", seen)
                    self.failed = FailedStep(0, f"start {actor.name}", where, cause)
                if self.failed is not None:
                    self._tell_failed_start(self.failed)
                    return
        self.play = Play(self.scenario, self.stage)
        await self.play.run()
        self.failed = self.play.failed
        await self._settle()

    async def _watched(self, work: asyncio.Task[None]) -> None:
        """The work, unless the network or a reporter breaks first."""
        watches: list[Coroutine[Any, Any, str]] = [self.backend.lost(), self.log.until(self._reporter_broke)]
        tasks = [asyncio.create_task(watch) for watch in watches]
        try:
            await asyncio.wait((work, *tasks), return_when=asyncio.FIRST_COMPLETED)
            broken = [task for task in tasks if task.done()]
            if broken:
                self.harness = broken[0].result()
            elif work.cancelled():
                return
            elif isinstance(error := work.exception(), HarnessFailure):
                self.harness = str(error)
            elif error is not None:
                _LOG.error("the runner failed", exc_info=error)
                self.harness = f"the runner failed: {error!r}"
        finally:
            for task in (work, *tasks):
                task.cancel()
            await asyncio.gather(work, *tasks, return_exceptions=True)

    async def _settle(self) -> None:
        """Return when the log has been quiet for a while."""
        until = self.log.at() + QUIET_AT_MOST
        while self.log.at() < until:
            known = len(self.log.events)
            try:
                async with asyncio.timeout(QUIET):
                    await self.log.until(lambda known=known: len(self.log.events) > known or None)  # type: ignore[misc]
            except TimeoutError:
                return

    async def _end(self) -> None:
        """Everything down: the actors are asked, the last one first, then nothing is asked any more."""
        actors = self.stage.running() if self.stage is not None else []
        try:
            for actor in actors:
                actor.hang_up()
            if actors and self.harness is None:
                await self._graceful(actors)
        finally:
            try:
                await self.backend.close()
                async with asyncio.timeout(GRACE):
                    for actor in actors:
                        await actor.ended()
            except HarnessFailure as failure:
                self.harness = self.harness or str(failure)
            except TimeoutError:
                left = ", ".join(actor.name for actor in actors if not actor.over)
                self.harness = self.harness or f"{left} did not end with the network"

    async def _graceful(self, actors: list[RunningActor]) -> None:
        ends = [asyncio.create_task(actor.ended()) for actor in actors]
        hurry = asyncio.create_task(self.hurry.wait())
        every = asyncio.gather(*ends)
        await asyncio.wait((every, hurry), timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        every.cancel()
        await asyncio.gather(every, hurry, return_exceptions=True)

    def _judge(self) -> list[Judgement]:
        """Judge the run by what is known now, before the end of everything makes events of its own."""
        if self.interrupted is not None or self.harness is not None or self.stage is None:
            return []
        evidence = Evidence(tuple(self.log.events), dict(self.stage.results))
        judged = [judge(expectation, evidence) for expectation in self.scenario.expectations]
        for one in judged:
            said: dict[str, JSON] = {"text": one.text, "status": one.status, "expected": one.expected}
            self.log.emit("expectation", RUN, said | {"seen": one.seen, "where": one.where})
        return judged

    # --- signals

    @contextmanager
    def _catching(self, work: asyncio.Task[None]) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def caught(number: int) -> None:
            if self.interrupted is not None:
                self.hurry.set()
            self.interrupted = self.interrupted or number
            work.cancel()

        # Started with one of them ignored (nohup, a shell's background jobs), a program lets it be ignored.
        asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        caught_signals = [number for number in asking if signal.getsignal(number) is not signal.SIG_IGN]
        for number in caught_signals:
            loop.add_signal_handler(number, caught, number)
        try:
            yield
        finally:
            for number in caught_signals:
                loop.remove_signal_handler(number)

    # --- events

    def _notice(self, kind: str, data: Any) -> None:
        self.log.emit(kind, NETWORK, data)

    def _reporter_broke(self) -> str | None:
        return f"a reporter failed: {self.log.broken!r}" if self.log.broken is not None else None

    def _started(self) -> None:
        scenario = self.scenario
        said: dict[str, JSON] = {"title": scenario.title, "file": str(scenario.path), "seed": self.seed}
        self.log.emit(
            "run-started", RUN, said | {"backend": self.backend.name, "topology": spelled(scenario.topology)}
        )

    def _tell_failed_start(self, failed: FailedStep) -> None:
        said: dict[str, JSON] = {"step": 0, "text": failed.text, "where": failed.where}
        cause = failed.cause
        said |= {"error": cause.message, "expected": cause.expected, "seen": cause.seen}
        self.log.emit("step-failed", RUN, said)
        for step in self.scenario.steps:
            self.log.emit("step-skipped", RUN, {"step": step.number, "text": step.text, "where": step.where})

    def _ended(self, judged: list[Judgement]) -> Verdict:
        missed = tuple(Missed(one.text, one.where) for one in (self.stage.missed if self.stage else ()))
        seconds = round(self.log.at(), 6)
        verdict = Verdict(tuple(judged), self.failed, missed, self.harness, self.interrupted, seconds)
        said: dict[str, JSON] = {"exit_code": verdict.exit_code, "outcome": verdict.outcome.value}
        self.log.emit("run-ended", RUN, said | {"reason": verdict.reason, "seconds": seconds})
        return verdict


@contextmanager
def _nothing() -> Iterator[None]:
    yield
