"""The worker's selector looks before it sleeps when requests come at once, and sleeps when they do not."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from selectors import EVENT_READ, EpollSelector, SelectorKey

import pytest

from selftest.support.smb_peer import OverTcp, Peer
from selftest.support.smb_server import Running, family
from server.posix.polling import PollingSelector
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.status import NTSTATUS

PATIENCE = 0.05
WAIT = 0.2
QUICK = 4


class Waited:
    """A socket pair below a selector, and how long the kernel was asked to wait each time."""

    def __init__(self, patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[float | None] = []
        self.own, self.peer = socket.socketpair()
        real = EpollSelector.select

        def select(selector: EpollSelector, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            self.asked.append(timeout)
            return real(selector, timeout)

        monkeypatch.setattr(EpollSelector, "select", select)
        self.selector = PollingSelector(patience)
        self.selector.register(self.own, EVENT_READ)

    def asked_for(self, timeout: float | None) -> list[float | None]:
        """What one wait makes of it."""
        self.asked.clear()
        self.selector.select(timeout)
        return list(self.asked)

    def be_quick(self, times: int = QUICK) -> None:
        """Requests that are there at once."""
        self.peer.send(b"x")
        for _ in range(times):
            assert self.selector.select(None)
        self.own.recv(1)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waited]:
    one = Waited(PATIENCE, monkeypatch)
    yield one
    one.selector.close()
    one.own.close()
    one.peer.close()


def test_it_sleeps_at_once_until_it_has_seen_quick_ones(waited: Waited) -> None:
    assert waited.asked_for(WAIT) == [WAIT]


def test_it_looks_first_after_quick_ones_and_not_again_after_a_slow_one(waited: Waited) -> None:
    waited.be_quick()
    looked = waited.asked_for(WAIT)
    assert looked[0] == 0
    assert looked[-1] == WAIT
    assert waited.asked_for(WAIT) == [WAIT]


def test_one_slow_among_quick_ones_is_soon_forgotten(waited: Waited) -> None:
    waited.be_quick()
    waited.selector.select(2 * PATIENCE)
    waited.be_quick(2)
    assert waited.asked_for(WAIT)[0] == 0


def test_as_many_slow_ones_as_quick_ones_and_it_sleeps_at_once(waited: Waited) -> None:
    waited.be_quick()
    for _ in range(QUICK):
        waited.selector.select(2 * PATIENCE)
        waited.be_quick(1)
    assert waited.asked_for(WAIT) == [WAIT]


def test_what_comes_while_it_looks_is_found_without_a_sleep(waited: Waited) -> None:
    waited.be_quick()
    waited.peer.send(b"x")
    assert waited.asked_for(None) == [0]


def test_a_timer_is_not_late(waited: Waited) -> None:
    waited.be_quick()
    began = time.monotonic()
    assert waited.selector.select(PATIENCE / 10) == []
    assert time.monotonic() - began < PATIENCE


def test_what_must_not_wait_does_not(waited: Waited) -> None:
    waited.be_quick()
    assert waited.asked_for(0) == [0]


def test_without_patience_it_never_looks(waited: Waited) -> None:
    waited.selector._patience = 0.0
    waited.be_quick()
    assert waited.asked_for(WAIT) == [WAIT]


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
