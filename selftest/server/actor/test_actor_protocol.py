"""An actor answers every request once, runs verbs side by side, and ends with its runner."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from server.actor.protocol import VARIABLE, ActorChannel, ActorError, Progress
from server.client.errors import StatusError
from server.wire.status import NTSTATUS


class Runner:
    """The other end: what the actor says, line by line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._socket = ours
        self._patch = monkeypatch
        self._patch.setenv(VARIABLE, str(theirs.detach()))

    async def open(self) -> ActorChannel:
        actor = await ActorChannel.open("tester")
        assert VARIABLE not in os.environ, "children are not actors"
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        return actor

    def say(self, **request: Any) -> None:
        self.write(json.dumps(request).encode() + b"\n")

    def write(self, raw: bytes) -> None:
        self._writer.write(raw)

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self._reader.readline(), 5))

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def echo(args: Mapping[str, Any], _progress: Progress) -> Mapping[str, Any]:
    return {"said": args["word"]}


async def count(_args: Mapping[str, Any], progress: Progress) -> None:
    progress(1, 2)
    progress(2, 2)


async def refused(_args: Mapping[str, Any], _progress: Progress) -> None:
    raise StatusError(NTSTATUS.ACCESS_DENIED, "CREATE x")


async def broken(_args: Mapping[str, Any], _progress: Progress) -> None:
    raise ActorError("not today")


def test_hello_then_an_answer_to_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        runner = Runner(monkeypatch)
        actor = await runner.open()
        verbs = {"echo": echo, "count": count, "refused": refused, "broken": broken}
        serving = asyncio.create_task(actor.serve(verbs))
        assert await runner.hear() == {"hello": {"actor": "tester", "pid": os.getpid()}}
        runner.say(id=1, verb="echo", args={"word": "ä"})
        assert await runner.hear() == {"id": 1, "result": {"said": "ä"}}
        runner.say(id=2, verb="count")
        assert [await runner.hear() for _ in range(3)] == [
            {"id": 2, "progress": {"done": 1, "total": 2}},
            {"id": 2, "progress": {"done": 2, "total": 2}},
            {"id": 2, "result": {}},
        ]
        runner.say(id=3, verb="refused")
        error = {"message": "CREATE x: STATUS_ACCESS_DENIED", "status": "STATUS_ACCESS_DENIED"}
        assert await runner.hear() == {"id": 3, "error": error}
        runner.say(id=4, verb="broken")
        assert await runner.hear() == {"id": 4, "error": {"message": "not today"}}
        runner.say(id=5, verb="dance")
        assert "no verb 'dance'; there are: broken, count, echo" in (await runner.hear())["error"]["message"]
        runner.write(b"nonsense\n")
        assert "not a request" in (await runner.hear())["error"]["message"]
        actor.emit("channel-opened", channel=1)
        assert await runner.hear() == {"event": {"kind": "channel-opened", "channel": 1}}
        await runner.leave()
        await asyncio.wait_for(serving, 5)

    asyncio.run(run())


def test_verbs_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        runner = Runner(monkeypatch)
        actor = await runner.open()
        gate = asyncio.Event()

        async def wait(_args: Mapping[str, Any], _progress: Progress) -> None:
            await gate.wait()

        async def release(_args: Mapping[str, Any], _progress: Progress) -> None:
            gate.set()

        serving = asyncio.create_task(actor.serve({"wait": wait, "release": release}))
        await runner.hear()
        runner.say(id=1, verb="wait")
        runner.say(id=2, verb="release")
        assert sorted([(await runner.hear())["id"], (await runner.hear())["id"]]) == [1, 2]
        await runner.leave()
        await asyncio.wait_for(serving, 5)

    asyncio.run(run())


def test_the_runners_end_is_the_actors_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        runner = Runner(monkeypatch)
        actor = await runner.open()
        ended = asyncio.Event()
        cancelled = asyncio.Event()

        async def forever(_args: Mapping[str, Any], _progress: Progress) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async def on_eof() -> None:
            ended.set()
            await asyncio.Event().wait()  # Even a clean-up that hangs does not hold it up.

        serving = asyncio.create_task(actor.serve({"forever": forever}, on_eof))
        await runner.hear()
        runner.say(id=1, verb="forever")
        await asyncio.sleep(0)
        await runner.leave()
        await asyncio.wait_for(serving, 1)
        assert ended.is_set()

    asyncio.run(run())


def test_started_by_hand_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ActorError, match="started by a scenario"):
        asyncio.run(ActorChannel.open("tester"))
