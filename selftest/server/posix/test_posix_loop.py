"""A worker's loop calls its readers while it waits, and all else has its turn as on any loop of asyncio."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import groupby
from typing import Any

import pytest

from server.posix.loop import PollingLoop

PATIENCE = 0.0001
WITHIN = 5.0
"""Seconds: of a guard, which ends what would hang."""


def run(story: Callable[[Pair], Awaitable[None]]) -> None:
    """It, on a loop with a socket pair."""

    async def guarded() -> None:
        own, peer = socket.socketpair()
        with closing(own), closing(peer):
            own.setblocking(False)
            await asyncio.wait_for(story(Pair(own, peer)), WITHIN)

    with asyncio.Runner(loop_factory=lambda: PollingLoop(PATIENCE)) as runner:
        runner.run(guarded())


async def turn() -> None:
    """In which whatever is readable is seen."""
    for _ in range(2):
        await asyncio.sleep(0)


class Pair:
    """One end that is read on the loop, and the other."""

    def __init__(self, own: socket.socket, peer: socket.socket) -> None:
        self.own, self.peer = own, peer
        self.loop = asyncio.get_running_loop()

    def reader(self, callback: Callable[..., object], *args: object) -> None:
        self.loop.add_reader(self.own.fileno(), callback, *args)

    async def readable_for_ever(self, answer: bool) -> None:
        """Something is there that nobody takes; its reader is called all the time, and returns `answer`."""
        self.peer.send(b"x")
        called = asyncio.Event()

        def read() -> bool:
            called.set()
            return answer

        self.reader(read)
        await called.wait()

    def looks(self) -> list[int]:
        """How many descriptors have been found, each time that something was, from now on."""
        polling: Any = self.loop._polling  # type: ignore[attr-defined]
        wait, seen = polling.wait, []

        def counted(end: float) -> Any:
            found = wait(end)
            seen.append(len(found))
            return found

        polling.wait = counted
        return seen


def test_one_request_after_the_other_takes_one_turn_of_asyncio() -> None:
    async def story(pair: Pair) -> None:
        enough = asyncio.Event()
        seen: list[bytes] = []

        def read() -> None:
            seen.append(pair.own.recv(1))
            if len(seen) == 100:
                enough.set()
            else:
                pair.peer.send(b"x")

        turns = 0
        selector: Any = pair.loop._selector  # type: ignore[attr-defined]
        select = selector.select

        def counted(timeout: float | None) -> object:
            nonlocal turns
            turns += 1
            return select(timeout)

        selector.select = counted
        pair.reader(read)
        pair.peer.send(b"x")
        await enough.wait()
        assert turns <= 3

    run(story)


def test_one_that_has_had_something_is_called_again_without_a_look() -> None:
    async def story(pair: Pair) -> None:
        enough = asyncio.Event()
        left = 90

        def read() -> bool:
            nonlocal left
            pair.own.recv(1)
            left -= 1
            if left:
                pair.peer.send(b"x")
            else:
                enough.set()
            return True

        looks = pair.looks()
        pair.reader(read)
        pair.peer.send(b"x")
        await enough.wait()
        assert len(looks) <= 12

    run(story)


def test_it_is_seldom_called_in_vain() -> None:
    async def story(pair: Pair) -> None:
        had, in_vain = 0, 0

        def read() -> bool:
            nonlocal had, in_vain
            try:
                pair.own.recv(1)
            except BlockingIOError:
                in_vain += 1
                return False
            had += 1
            pair.own.send(b"y")
            return True

        def ask() -> None:
            pair.peer.settimeout(WITHIN)
            for _ in range(200):
                pair.peer.send(b"x")
                pair.peer.recv(1)

        pair.reader(read)
        await pair.loop.run_in_executor(None, ask)
        assert had == 200
        assert in_vain <= 200 / 16 + 1

    run(story)


def test_of_two_that_always_have_something_none_is_kept_waiting() -> None:
    async def story(pair: Pair) -> None:
        enough = asyncio.Event()
        called: list[int] = []

        def read(fd: int) -> bool:
            called.append(fd)
            if len(called) == 3:
                pair.own.send(b"x")  # which the other one finds
            if len(called) == 200:
                enough.set()
            return True

        for sock in (pair.own, pair.peer):
            pair.loop.add_reader(sock.fileno(), read, sock.fileno())
        pair.peer.send(b"x")
        await enough.wait()
        assert max(len(list(run)) for _, run in groupby(called[9:])) <= 2
        for sock in (pair.own, pair.peer):
            pair.loop.remove_reader(sock.fileno())

    run(story)


def test_a_reader_is_replaced_and_removed() -> None:
    async def story(pair: Pair) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        pair.reader(first.set)
        pair.reader(lambda event: event.set(), second)
        pair.peer.send(b"x")
        await second.wait()
        assert pair.loop.remove_reader(pair.own.fileno())
        assert not pair.loop.remove_reader(pair.own.fileno())
        second.clear()
        await turn()
        assert not any(event.is_set() for event in (first, second))

    run(story)


def test_a_reader_that_another_has_removed_is_not_called() -> None:
    async def story(pair: Pair) -> None:
        called: list[int] = []

        def read(fd: int) -> None:
            called.append(fd)
            for one in (pair.own.fileno(), pair.peer.fileno()):
                pair.loop.remove_reader(one)

        for sock, other in ((pair.own, pair.peer), (pair.peer, pair.own)):
            other.send(b"x")
            pair.loop.add_reader(sock.fileno(), read, sock.fileno())
        await turn()
        assert len(called) == 1

    run(story)


def test_what_a_reader_begins_is_not_kept_waiting() -> None:
    async def story(pair: Pair) -> None:
        later = asyncio.Event()
        pair.reader(lambda: (pair.own.recv(1), pair.loop.call_later(0.01, later.set)))
        pair.peer.send(b"x")
        await later.wait()
        begun: asyncio.Future[asyncio.Task[str]] = pair.loop.create_future()
        pair.reader(lambda: (pair.own.recv(1), begun.set_result(pair.loop.create_task(_word()))))
        pair.peer.send(b"x")
        assert await (await begun) == "done"

    async def _word() -> str:
        return "done"

    run(story)


@pytest.mark.parametrize("answer", [True, False])
def test_timers_tasks_threads_and_other_readers_have_their_turn_beside_a_busy_one(answer: bool) -> None:
    async def story(pair: Pair) -> None:
        await pair.readable_for_ever(answer)
        rung = asyncio.Event()
        pair.loop.call_later(PATIENCE, rung.set)
        await rung.wait()
        assert await asyncio.to_thread(int, "7") == 7
        own, peer = socket.socketpair()
        with closing(own), closing(peer):
            heard: asyncio.Future[bytes] = pair.loop.create_future()
            pair.loop.add_reader(own.fileno(), lambda: heard.done() or heard.set_result(own.recv(1)))
            peer.send(b"y")
            assert await heard == b"y"
            pair.loop.remove_reader(own.fileno())
            own.setblocking(False)
            peer.send(b"z")
            assert await pair.loop.sock_recv(own, 1) == b"z", "by asyncio's own reader"
        assert pair.loop.remove_reader(pair.own.fileno())

    run(story)


def test_a_signal_is_handled_while_it_waits() -> None:
    async def story(pair: Pair) -> None:
        handled = asyncio.Event()
        pair.loop.add_signal_handler(signal.SIGUSR1, handled.set)
        pair.loop.call_later(0.01, os.kill, os.getpid(), signal.SIGUSR1)
        await handled.wait()
        assert pair.loop.remove_signal_handler(signal.SIGUSR1)

    run(story)


def test_a_reader_that_fails_is_told_of_and_called_again() -> None:
    async def story(pair: Pair) -> None:
        told: list[dict[str, Any]] = []
        pair.loop.set_exception_handler(lambda _, context: told.append(context))
        again = asyncio.Event()

        def read() -> None:
            if told:
                pair.own.recv(1)
                again.set()
            else:
                raise ValueError("broken")

        pair.reader(read)
        pair.peer.send(b"x")
        await again.wait()
        assert [str(context["exception"]) for context in told] == ["broken"]

    run(story)


def test_a_reader_may_stop_it() -> None:
    loop = PollingLoop(PATIENCE)
    own, peer = socket.socketpair()
    with closing(loop), closing(own), closing(peer):
        loop.add_reader(own.fileno(), loop.stop)
        peer.send(b"x")
        loop.run_forever()
        assert loop.remove_reader(own.fileno())


def test_once_closed_it_has_no_readers() -> None:
    loop = PollingLoop(PATIENCE)
    own, peer = socket.socketpair()
    with closing(own), closing(peer):
        loop.add_reader(own.fileno(), print)
        loop.close()
        assert not loop.remove_reader(own.fileno())
