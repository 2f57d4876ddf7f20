"""The plan, step by step.

Owns the order of things: triggers, deadlines, steps in the background, what a failure means for the steps
after it. Must not know what any action does. Called by ``runner``, which owns all around the steps.
"""

from __future__ import annotations

import asyncio

from swrap.document import JSON
from swrap.document.units import show_duration
from swrap.events import RUN
from swrap.scenario.actions.base import Context
from swrap.scenario.failure import Cause, StepFailure
from swrap.scenario.model import Fails, Scenario, Step
from swrap.scenario.stage import Stage
from swrap.scenario.verdict import FailedStep


class Play:
    """Plays a scenario's steps on a stage; ``failed`` is the step that ended it early, if one did."""

    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self._steps = scenario.steps
        self._stage = stage
        self._ended: set[int] = set()
        self._background: set[asyncio.Task[JSON]] = set()
        self.failed: FailedStep | None = None

    async def run(self) -> None:
        """Play all steps; those in the background are waited for at the end. Raises HarnessFailure."""
        self._stage.first_turn = self._stage.now()
        story = asyncio.create_task(self._story(), name="steps")
        watch = asyncio.create_task(self._stage.log.until(self._broken), name="watch over the steps")
        try:
            await asyncio.wait((story, watch), return_when=asyncio.FIRST_COMPLETED)
            if story.done():
                await story
            elif self.failed is None:
                self._surprised(await watch)
        finally:
            tasks = {story, watch, *self._background}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._skip_the_rest()

    async def _story(self) -> None:
        for step in self._steps:
            if not await self._take(step):
                return
        for task in list(self._background):
            await asyncio.wait((task,))

    def _broken(self) -> str | None:
        """Why nothing more should be tried: a failure in the background, or an actor that died."""
        if self.failed is not None:
            return self.failed.cause.message
        return self._stage.surprise()

    async def _take(self, step: Step) -> bool:
        """One step, from its turn on. False if it failed."""
        turn = self._stage.now()
        deadline = turn + step.within
        try:
            if step.trigger is not None:
                if step.trigger.timed:
                    await step.trigger.wait(self._stage, turn)
                    deadline = self._stage.now() + step.within
                else:
                    async with asyncio.timeout(step.within):
                        await step.trigger.wait(self._stage, turn)
        except TimeoutError:
            within, seen = show_duration(step.within), step.trigger.seen(self._stage) if step.trigger else ""
            message = f"waited {within} for {step.trigger}, in vain; {seen}"
            self._fail(step, Cause(message, f"{step.trigger} within {within}", seen))
            return False
        except StepFailure as failure:
            self._fail(step, failure.cause)
            return False
        self._begin(step)
        if step.background and step.name is not None:
            task = asyncio.create_task(self._finish(step, deadline), name=step.text)
            self._stage.background[step.name] = task
            self._background.add(task)
            task.add_done_callback(self._over)
            return True
        try:
            await self._finish(step, deadline)
        except StepFailure:
            return False
        return True

    def _over(self, task: asyncio.Task[JSON]) -> None:
        """A step in the background is done: whoever waits for its progress must look again."""
        if not task.cancelled():
            task.exception()  # told already; asyncio is not to complain that nobody asked
        self._stage.log.wake()

    def _begin(self, step: Step) -> None:
        if step.action.acts:
            self._stage.act()
        self._stage.log.emit("step-started", RUN, self._told(step))

    async def _finish(self, step: Step, deadline: float) -> JSON:
        """Perform the action and note what became of it. Raises StepFailure."""
        began = self._stage.now()
        context = Context(step.number, step.name, step.may_miss, step.where, step.text)
        try:
            async with asyncio.timeout(max(0.0, deadline - began)):
                result = await step.action.perform(self._stage, context)
            if step.fails is not None:
                raise StepFailure("it did not fail", expected="to fail", seen=f"it gave {result}")
        except TimeoutError:
            within, seen = show_duration(step.within), step.action.seen(self._stage)
            message = f"not done within {within}; {seen}"
            cause = Cause(message, f"{step.action.expected()} within {within}", seen)
            self._fail(step, cause)
            raise StepFailure(message) from None
        except StepFailure as failure:
            if step.fails is None or failure.cause.expected == "to fail":
                self._fail(step, failure.cause)
                raise
            wrong = _unlike(step.fails, failure.cause, self._stage)
            if wrong is not None:
                self._fail(step, wrong)
                raise StepFailure(wrong.message) from failure
            result = {"message": failure.cause.message, "status": failure.cause.status}
        self._ended.add(step.number)
        if step.name is not None:
            self._stage.results[step.name] = result
        seconds = round(self._stage.now() - began, 6)
        self._stage.log.emit("step-done", RUN, self._told(step) | {"seconds": seconds, "result": result})
        return result

    def _fail(self, step: Step, cause: Cause) -> None:
        """Note a failure. The first one is the run's; what fails in its wake (a join of it) is skipped."""
        if self.failed is not None:
            return
        self._ended.add(step.number)
        self.failed = FailedStep(step.number, step.text, step.where, cause)
        data = {"error": cause.message, "expected": cause.expected, "seen": cause.seen}
        self._stage.log.emit("step-failed", RUN, self._told(step) | data)

    def _surprised(self, why: str) -> None:
        """An actor died: the step that was on its way, or was next, is the one that failed."""
        step = next((step for step in self._steps if step.number not in self._ended), self._steps[-1])
        self._fail(step, Cause(why, "all actors to run on", why))

    def _skip_the_rest(self) -> None:
        for step in self._steps if self.failed is not None else ():
            if step.number not in self._ended:
                self._stage.log.emit("step-skipped", RUN, self._told(step))

    def _told(self, step: Step) -> dict[str, JSON]:
        told: dict[str, JSON] = {"step": step.number, "text": step.text, "where": step.where}
        return told | {"as": step.name} if step.name is not None else told


def _unlike(fails: Fails, cause: Cause, stage: Stage) -> Cause | None:
    """How a failure differs from the one that was to come, or None."""
    for what, condition, value in (
        ("message", fails.message, cause.message),
        ("status", fails.status, cause.status),
    ):
        if condition is not None and not condition.resolved(stage.results).holds(value):
            return Cause(
                f"it failed otherwise than it should: {cause.message}",
                f"{what} {condition}",
                f"{what} {value}",
            )
    return None
