"""A worker that is killed, with everything its client had open: nobody is kept waiting, and nothing stale is left.

Real processes: the acceptor sees the death, and treats what the worker had as if its connections had been lost.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selftest.support.smb_peer import LoggedOn, OverTcp, Peer
from selftest.support.smb_server import Running
from server.wire import create_contexts as contexts
from server.wire.create import CreateOptions, CreateRequest, Disposition, OplockLevel
from server.wire.create_contexts import CreateContext, DurableReconnectV2, DurableRequestV2
from server.wire.header import Command
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.status import NTSTATUS

GUID = uuid.UUID(int=77)
EVERYTHING = 0x001F01FF

Client = Callable[[], tuple[Peer, LoggedOn, int]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "share") as server:
        yield server


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    """Each call gives a client of its own, logged on, and the process that serves it."""
    wires: list[OverTcp] = []

    def meet() -> tuple[Peer, LoggedOn, int]:
        wires.append(OverTcp("127.0.0.1", running.port))
        peer = Peer(wires[-1], uuid.uuid4())
        peer.negotiate()
        pid = int(running.wait_for("connection-ready", client_guid=str(peer.guid))["pid"])
        session = peer.log_on()
        assert peer.tree_connect(session).status is NTSTATUS.SUCCESS
        return peer, session, pid

    yield meet
    for wire in wires:
        wire.close()


def kill(running: Running, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    running.wait_for("process-ended", pid=str(pid))


def test_who_waits_for_a_break_or_a_lock_gets_it(running: Running, client: Client) -> None:
    alice, session, pid = client()
    bob, his, _ = client()
    alice.open(session, "film", oplock_level=OplockLevel.BATCH)
    locked = alice.create(session, "locked")
    element = (LockElement(0, 1, LockFlags.EXCLUSIVE),)
    assert alice.ask(Command.LOCK, LockRequest(locked, element).encode(), session).status is NTSTATUS.SUCCESS
    file_id = bob.create(his, "locked")
    bob.begin(Command.CREATE, CreateRequest("film", EVERYTHING, Disposition.OPEN_IF).encode(), his)
    assert bob.next().status is NTSTATUS.PENDING
    bob.begin(Command.LOCK, LockRequest(file_id, element).encode(), his)
    assert bob.next().status is NTSTATUS.PENDING
    kill(running, pid)
    assert [bob.next().status for _ in range(2)] == [NTSTATUS.SUCCESS] * 2


def test_its_share_modes_go_and_what_it_was_to_delete_is_deleted(running: Running, client: Client) -> None:
    alice, session, pid = client()
    bob, his, _ = client()
    alice.create(session, "mine", share_access=0)
    alice.create(session, "temporary", options=CreateOptions.DELETE_ON_CLOSE)
    assert bob.try_create(his, "mine").status is NTSTATUS.SHARING_VIOLATION
    kill(running, pid)
    assert bob.try_create(his, "mine").status is NTSTATUS.SUCCESS
    answer = bob.try_create(his, "temporary", disposition=Disposition.OPEN)
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


def test_a_durable_open_waits_for_its_client_and_not_for_ever(running: Running, client: Client) -> None:
    alice, session, pid = client()
    bob, his, _ = client()
    files = {
        name: alice.open(
            session,
            name,
            oplock_level=OplockLevel.BATCH,
            options=CreateOptions.DELETE_ON_CLOSE,
            contexts=(CreateContext(contexts.DURABLE_REQUEST_V2, DurableRequestV2(guid, time).encode()),),
        ).file_id
        for name, guid, time in (("kept", GUID, 30_000), ("given up", uuid.UUID(int=78), 1))
    }
    kill(running, pid)
    back = CreateContext(contexts.DURABLE_RECONNECT_V2, DurableReconnectV2(files["kept"], GUID).encode())
    assert bob.open(his, "kept", contexts=(back,)).oplock_level == OplockLevel.BATCH
    late = DurableReconnectV2(files["given up"], uuid.UUID(int=78)).encode()
    while (running.share / "given up").exists():
        bob.ask(Command.ECHO, b"\x04\0\0\0")  # as long as it takes: the test's deadline is the guard
    answer = bob.try_create(his, "given up", contexts=(CreateContext(contexts.DURABLE_RECONNECT_V2, late),))
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


def test_killed_under_load_again_and_again_the_next_client_finds_everything_free(
    running: Running, client: Client
) -> None:
    for _ in range(5):
        alice, session, pid = client()
        for number in range(20):
            alice.create(session, f"file{number}", share_access=0)
        alice.begin(
            Command.CREATE, CreateRequest("under way", EVERYTHING, Disposition.OPEN_IF).encode(), session
        )
        kill(running, pid)
    bob, his, _ = client()
    for number in range(20):
        assert bob.try_create(his, f"file{number}", share_access=0).status is NTSTATUS.SUCCESS
