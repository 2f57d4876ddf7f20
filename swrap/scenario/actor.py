"""A running actor: its process, the verbs that it is at, its end.

Owns the protocol's runner side: JSON lines, verbs by number, any of them at once, progress and events in
between. Must not know scenarios. Made by the stage, one an actor and start.

A line that is not of the protocol ends the conversation: all verbs fail with what was wrong.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swrap.document import JSON
from swrap.scenario.backend import Channel, Ended, Process
from swrap.scenario.failure import StepFailure

Progress = Callable[[int, int], None]
"""Takes (done, total)."""

Told = Callable[[str, Mapping[str, JSON]], None]
"""Takes the kind and the fields of an actor's event."""

_LINGERS = 1.0  # seconds that a process may live on after the end of its channel
_SHOWN = 200  # characters of a line that is quoted in a message


@dataclass(slots=True)
class _Call:
    """A verb that the actor is at."""

    verb: str
    answer: asyncio.Future[JSON]
    progress: Progress | None


@dataclass(slots=True)
class RunningActor:
    """An actor from its start to its end. ``expected``: nobody is surprised if it ends now."""

    name: str
    process: Process
    told: Told
    expected: bool = False
    surprise: str | None = None
    """How it ended, if nobody had told it to."""
    _calls: dict[int, _Call] = field(default_factory=dict)
    _next: int = 0
    _hello: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: str | None = None
    _reader: asyncio.Task[None] | None = None
    _life: asyncio.Task[Ended] | None = None

    async def start(self, config: Mapping[str, JSON]) -> None:
        """Return when it has said hello and taken its configuration. Raises StepFailure."""
        if self._reader is None:
            return
        hello = asyncio.create_task(self._hello.wait())
        try:
            await asyncio.wait((hello, self._reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hello.cancel()
        if not self._hello.is_set():
            raise await self._gone("before it said hello")
        await self.call("start", config)

    async def call(self, verb: str, args: Mapping[str, JSON], progress: Progress | None = None) -> JSON:
        """Tell it a verb and wait for the result. Raises StepFailure: its error, or its end."""
        channel = self.process.channel
        if channel is None:
            raise StepFailure(f"{self.name} speaks no protocol")
        if self._reader is None or self._reader.done():
            raise await self._gone(f"before it was told {verb!r}")
        number, self._next = self._next, self._next + 1
        call = _Call(verb, asyncio.get_running_loop().create_future(), progress)
        self._calls[number] = call
        try:
            line = json.dumps({"id": number, "verb": verb, "args": args}, ensure_ascii=False) + "\n"
            try:
                await channel.send(line.encode())
            except ConnectionError:
                await asyncio.wait((self._reader,))  # which fails the call, with the reason
            return await call.answer
        finally:
            del self._calls[number]

    async def ended(self) -> Ended:
        """Return when its process has ended and all that it said has been read."""
        if self._life is None:
            raise AssertionError(f"{self.name} is not watched")
        return await asyncio.shield(self._life)

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self._life is not None and self._life.done()

    def watch(self, exited: Callable[[RunningActor, Ended], None]) -> None:
        """Have ``exited`` called when it has ended; to be called once, first of all."""
        channel = self.process.channel
        if channel is not None:
            self._reader = asyncio.create_task(self._read(channel), name=f"reader of {self.name}")
        self._life = asyncio.create_task(self._live(exited), name=f"life of {self.name}")

    async def _live(self, exited: Callable[[RunningActor, Ended], None]) -> Ended:
        ended = await self.process.wait()
        if self._reader is not None:
            done, _ = await asyncio.wait((self._reader,), timeout=_LINGERS)
            if not done:  # a child of its holds the channel, and is not who was spoken to
                self._reader.cancel()
                await self._fail_calls()
            if self.process.channel is not None:
                self.process.channel.close()
        if not self.expected:
            self.surprise = f"{self.name} {ended} though nothing told it to{self.last_words()}"
        exited(self, ended)
        return ended

    def last_words(self) -> str:
        """The end of its standard error, as the end of a sentence."""
        words = self.process.last_words().strip()
        return f"; its last words:\n{words}" if words else ""

    def output(self) -> str:
        """The beginning of its standard output."""
        return self.process.output()

    def hang_up(self) -> None:
        """Ask it to end: by the end of its channel, or with SIGTERM where it has none."""
        self.expected = True
        if self.process.channel is not None:
            self.process.channel.close()
        else:
            self.process.terminate("TERM")

    async def _read(self, channel: Channel) -> None:
        """Take in lines until there are no more; then no verb has hope."""
        try:
            while (line := await channel.receive()) is not None:
                self._take(line)
        except ValueError as error:
            self._broken = f"{self.name} said something that is not of the protocol: {error}"
            channel.close()
        except ConnectionError:
            pass  # as good as the end: it died with our words unread
        await self._fail_calls()

    async def _fail_calls(self) -> None:
        failure = await self._gone("without an answer")
        for call in self._calls.values():
            if not call.answer.done():
                call.answer.set_exception(failure)

    def _take(self, line: bytes) -> None:
        """One line of the actor. Raises ValueError where it is not of the protocol."""
        said = line.decode(errors="replace").strip()
        if not said:
            return
        try:
            shape: Any = json.loads(said)
        except json.JSONDecodeError as error:
            raise ValueError(f"{said[:_SHOWN]!r}: {error}") from error
        if not isinstance(shape, dict):
            raise ValueError(f"{said[:_SHOWN]!r} is no object")
        if "hello" in shape:
            self._hello.set()
        elif isinstance(event := shape.get("event"), dict) and isinstance(event.get("kind"), str):
            self.told(event["kind"], {key: value for key, value in event.items() if key != "kind"})
        elif isinstance(number := shape.get("id"), int) and {"progress", "result", "error"} & shape.keys():
            self._answered(number, shape)
        else:
            raise ValueError(f"{said[:_SHOWN]!r} is neither hello, event nor an answer")

    def _answered(self, number: int, shape: dict[str, Any]) -> None:
        call = self._calls.get(number)
        if call is None:  # given up by now: its step's deadline has passed
            return
        if "progress" in shape:
            if call.progress is not None and isinstance(shape["progress"], dict):
                call.progress(_count(shape["progress"].get("done")), _count(shape["progress"].get("total")))
        elif call.answer.done():
            raise ValueError(f"a second answer to {call.verb!r}")
        elif "error" in shape:
            error = shape["error"] if isinstance(shape["error"], dict) else {"message": str(shape["error"])}
            message, status = str(error.get("message", "no reason given")), error.get("status")
            text = message if status is None or str(status) in message else f"{message} ({status})"
            failure = StepFailure(text, seen=text, status=None if status is None else str(status))
            call.answer.set_exception(failure)
        else:
            call.answer.set_result(shape["result"])

    async def _gone(self, when: str) -> StepFailure:
        """Why it answers no more, as a failure to raise."""
        if self._broken is not None:
            return StepFailure(self._broken, seen=self._broken)
        try:
            async with asyncio.timeout(_LINGERS):
                how = f"{self.name} {await self.process.wait()} {when}"
        except TimeoutError:
            how = f"{self.name} closed its channel {when}, and runs on"
        return StepFailure(how + self.last_words(), seen=how)


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
