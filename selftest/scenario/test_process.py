"""A real process as an actor: its channel, its output, its end, whatever way it goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from swrap.scenario import Ended, Program
from swrap.scenario.actor import RunningActor
from swrap.scenario.failure import StepFailure
from swrap.scenario.process import RealProcess

TOY = Path(__file__).with_name("toy_actor.py")


async def start(argv: list[str], folder: Path, *, protocol: bool = True) -> RealProcess:
    async def begin(environment: Any, out: Any, err: Any, fds: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *argv,
            env={**os.environ, **environment},
            stdout=out,
            stderr=err,
            pass_fds=fds,
            start_new_session=True,
        )

    program = Program("toy", "server", tuple(argv), {}, None, protocol)
    return await RealProcess.spawn(program, folder, begin)


class Toy:
    """A toy actor as a process: `async with Toy(folder) as toy`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[tuple[str, Any]] = []

    async def __aenter__(self) -> Toy:
        process = await start([sys.executable, str(TOY)], self.folder)
        self.actor = RunningActor("toy", process, lambda kind, data: self.events.append((kind, data)))
        self.ends: list[Ended] = []
        self.actor.watch(lambda _actor, ended: self.ends.append(ended))
        await self.actor.start({"greeting": "hi"})
        return self

    async def __aexit__(self, *_: object) -> None:
        self.actor.hang_up()
        async with asyncio.timeout(10):
            await self.actor.ended()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 30))


def test_it_speaks_tells_and_ends_when_the_channel_does(tmp_path: Path) -> None:
    async def go() -> None:
        async with Toy(tmp_path) as toy:
            assert await toy.actor.call("greet", {}) == {"greeting": "hi"}
            await toy.actor.call("tell", {"n": 5})
            done: list[tuple[int, int]] = []
            copying = toy.actor.call("copy", {"size": 8, "pause": 0.01}, lambda *at: done.append(at))
            copied, _ = await asyncio.gather(copying, toy.actor.call("add", {"a": 1, "b": 1}))
            assert copied == {"bytes": 8}
            assert done == [(2, 8), (4, 8), (6, 8), (8, 8)]
        assert toy.events[-1] == ("told", {"n": 5})
        assert toy.ends == [Ended(0, None)]
        assert toy.actor.surprise is None

    run(go())


def test_a_verb_of_a_dying_process_fails_with_its_status_and_last_words(tmp_path: Path) -> None:
    async def go() -> None:
        async with Toy(tmp_path) as toy:
            with pytest.raises(StepFailure) as caught:
                await toy.actor.call("die", {"status": 9})
            said = "toy exited with status 9 without an answer; its last words:\ntoy actor at your service"
            assert str(caught.value) == said
            await toy.actor.ended()
            with pytest.raises(StepFailure, match="toy exited with status 9 before it was told 'greet'"):
                await toy.actor.call("greet", {})
        assert toy.actor.surprise is not None
        assert toy.actor.surprise.startswith("toy exited with status 9 though nothing told it to")

    run(go())


def test_a_killed_process_is_told_by_its_signal(tmp_path: Path) -> None:
    async def go() -> None:
        async with Toy(tmp_path) as toy:
            never = asyncio.create_task(toy.actor.call("never", {}))
            await toy.actor.call("greet", {})
            os.kill(toy.actor.process.pid, signal.SIGKILL)
            with pytest.raises(StepFailure, match="toy was ended by signal KILL"):
                await never
        assert toy.ends == [Ended(None, "KILL")]

    run(go())


def test_a_child_that_keeps_the_channel_open_does_not_keep_the_dead_alive(tmp_path: Path) -> None:
    async def go() -> None:
        async with Toy(tmp_path) as toy:
            child = await toy.actor.call("breed", {})
            assert isinstance(child, dict)
            try:
                with pytest.raises(StepFailure, match="toy exited with status 4"):
                    await toy.actor.call("die", {"status": 4})
                assert await toy.actor.ended() == Ended(4, None)
            finally:
                os.kill(int(str(child["pid"])), signal.SIGKILL)

    run(go())


def test_nonsense_on_the_channel_ends_the_conversation(tmp_path: Path) -> None:
    async def go() -> None:
        async with Toy(tmp_path) as toy:
            with pytest.raises(StepFailure, match="not of the protocol: 'Segmentation fault'"):
                await toy.actor.call("babble", {})

    run(go())


def test_output_is_kept_and_a_second_start_does_not_overwrite_it(tmp_path: Path) -> None:
    async def go() -> None:
        shell = [
            "/bin/sh",
            "-c",
            "echo out; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i >&2; done; exit 3",
        ]
        first = await start(shell, tmp_path, protocol=False)
        assert first.channel is None
        assert await first.wait() == Ended(3, None)
        second = await start(["/bin/sh", "-c", "echo again"], tmp_path, protocol=False)
        await second.wait()
        assert (first.output(), second.output()) == ("out\n", "again\n")
        assert first.last_words().splitlines() == [str(number) for number in range(3, 13)]

    run(go())


def test_terminate_reaches_the_whole_group_and_is_harmless_afterwards(tmp_path: Path) -> None:
    async def go() -> None:
        process = await start(["/bin/sh", "-c", "sleep 60; true"], tmp_path, protocol=False)
        process.terminate("TERM")
        assert await process.wait() == Ended(None, "TERM")
        process.terminate("TERM")

    run(go())


def test_a_process_that_stops_speaking_without_ending_is_told_apart(tmp_path: Path) -> None:
    code = (
        "import os,socket,time; s=socket.socket(fileno=int(os.environ['SWRAP_ACTOR_FD']));"
        "s.sendall(b'{\"hello\":{}}\\n'); s.close(); time.sleep(60)"
    )

    async def go() -> None:
        process = await start([sys.executable, "-c", code], tmp_path)
        actor = RunningActor("toy", process, lambda *_: None)
        actor.watch(lambda *_: None)
        with pytest.raises(StepFailure, match="toy closed its channel"):
            await actor.start({})
        process.terminate("KILL")
        await actor.ended()

    run(go())


def test_a_program_that_cannot_be_started_leaves_no_socket_behind(tmp_path: Path) -> None:
    async def go() -> None:
        before = sorted(Path("/proc/self/fd").iterdir())
        with pytest.raises(FileNotFoundError):
            await start(["/nonexistent"], tmp_path)
        assert sorted(Path("/proc/self/fd").iterdir()) == before

    run(go())
