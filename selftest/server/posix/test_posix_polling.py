"""A worker looks before it sleeps when requests come at once, and sleeps when they do not."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from select import EPOLLIN

import pytest

from selftest.support.smb_peer import OverTcp, Peer
from selftest.support.smb_server import Running, family
from server.posix.polling import Found, Polling
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.status import NTSTATUS

PATIENCE = 0.05
WAIT = 0.2
QUICK = 4


class Waited:
    """A socket pair below a set, and how long the kernel was asked to wait each time, in seconds; None: for ever."""

    def __init__(self, patience: float) -> None:
        self.asked: list[float | None] = []
        self.own, self.peer = socket.socketpair()
        self.polling = Polling(patience)
        self.polling.add(self.own.fileno())
        self._epoll, self.polling._epoll = self.polling._epoll, self  # type: ignore[assignment]

    def poll(self, timeout: float | None, most: int) -> Found:
        self.asked.append(timeout)
        return self._epoll.poll(timeout, most)

    def close(self) -> None:
        for one in (self._epoll, self.own, self.peer):
            one.close()

    def wait(self, timeout: float) -> Found:
        return self.polling.wait(time.monotonic() + timeout)

    def asked_for(self, timeout: float) -> list[float | None]:
        """What one wait makes of it."""
        self.asked.clear()
        self.wait(timeout)
        return list(self.asked)

    def be_quick(self, times: int = QUICK) -> None:
        """Requests that are there at once."""
        self.peer.send(b"x")
        for _ in range(times):
            assert self.polling.wait(inf) == [(self.own.fileno(), EPOLLIN)]
        self.own.recv(1)


@pytest.fixture
def waited() -> Iterator[Waited]:
    with closing(Waited(PATIENCE)) as one:
        yield one


def _slept(asked: list[float | None]) -> bool:
    """Whether it slept at once."""
    return len(asked) == 1 and asked[0] is not None and WAIT / 2 < asked[0] <= WAIT


def test_it_sleeps_at_once_until_it_has_seen_quick_ones(waited: Waited) -> None:
    assert _slept(waited.asked_for(WAIT))


def test_it_looks_first_after_quick_ones_and_not_again_after_a_slow_one(waited: Waited) -> None:
    waited.be_quick()
    looked = waited.asked_for(WAIT)
    assert set(looked[:-1]) == {0}
    assert looked[-1]
    assert _slept(waited.asked_for(WAIT))


def test_one_slow_among_quick_ones_is_soon_forgotten(waited: Waited) -> None:
    waited.be_quick()
    waited.wait(2 * PATIENCE)
    waited.be_quick(2)
    assert waited.asked_for(WAIT)[0] == 0


def test_as_many_slow_ones_as_quick_ones_and_it_sleeps_at_once(waited: Waited) -> None:
    waited.be_quick()
    for _ in range(QUICK):
        waited.wait(2 * PATIENCE)
        waited.be_quick(1)
    assert _slept(waited.asked_for(WAIT))


def test_what_comes_while_it_looks_is_found_without_a_sleep(waited: Waited) -> None:
    waited.be_quick()
    waited.peer.send(b"x")
    assert waited.asked_for(WAIT) == [0]


def test_who_waits_for_ever_says_so_to_the_kernel(waited: Waited) -> None:
    waited.peer.send(b"x")
    assert waited.polling.wait(inf)
    assert waited.asked == [None]


def test_a_timer_is_not_late(waited: Waited) -> None:
    waited.be_quick()
    began = time.monotonic()
    assert waited.wait(PATIENCE / 10) == []
    assert time.monotonic() - began < PATIENCE


def test_a_timer_that_is_due_comes_before_what_there_is(waited: Waited) -> None:
    waited.be_quick()
    waited.peer.send(b"x")
    assert waited.asked_for(0) == []


def test_without_patience_it_never_looks() -> None:
    with closing(Waited(0.0)) as waited:
        waited.be_quick()
        assert _slept(waited.asked_for(WAIT))


def test_a_worker_without_requests_sleeps(tmp_path: Path) -> None:
    with Running(tmp_path / "share") as server:
        connection = OverTcp("127.0.0.1", server.port)
        peer = Peer(connection, uuid.uuid4())
        peer.negotiate()
        session = peer.log_on()
        for _ in range(200):
            assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS
        before = _used(server)
        connection.socket.settimeout(WAIT)
        with pytest.raises(TimeoutError):
            connection.receive()
        assert _used(server) - before < WAIT / 4
        connection.close()


def _used(server: Running) -> float:
    """Seconds of a processor that all of its processes have had."""
    pids = family(server.process.pid)
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 for pid in pids)
