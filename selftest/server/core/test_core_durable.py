"""Durable opens and replays: what outlives a lost connection, who gets it back, and what is given up for others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.smb_peer import (
    Answer,
    Fleet,
    InProcess,
    InProcessWire,
    LoggedOn,
    Peer,
    config,
    ready,
    second_channel,
)
from server.core.shared import reclaim
from server.core.shared.table import DURABLE, FILES, LEASES, LOCKS, ORPHANS
from server.wire import create_contexts as contexts
from server.wire.create import CreateOptions, CreateRequest, CreateResponse, Disposition, OplockLevel
from server.wire.create_contexts import (
    AppInstanceId,
    CreateContext,
    DurableReconnectV2,
    DurableRequestV2,
    DurableResponseV2,
    Lease,
)
from server.wire.header import Command, Flags
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.readwrite import CloseRequest
from server.wire.status import NTSTATUS

CREATE_GUID = uuid.UUID(int=42)
KEY = b"K" * 16
BATCH = OplockLevel.BATCH


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    shared = Fleet()
    with InProcess(config(tmp_path), shared) as one, InProcess(config(tmp_path), shared) as other:
        yield one, other
    assert not one.failures.lines + other.failures.lines, "an error of the server's own"
    shared.close()


def durable(guid: uuid.UUID = CREATE_GUID, timeout: int = 0) -> CreateContext:
    return CreateContext(contexts.DURABLE_REQUEST_V2, DurableRequestV2(guid, timeout).encode())


def back(file_id: bytes, guid: uuid.UUID = CREATE_GUID) -> CreateContext:
    return CreateContext(contexts.DURABLE_RECONNECT_V2, DurableReconnectV2(file_id, guid).encode())


def lease(state: int = 7) -> CreateContext:
    return CreateContext(contexts.REQUEST_LEASE, Lease(KEY, state, version=2).encode())


def lose(peer: Peer) -> None:
    assert isinstance(peer.exchange, InProcessWire)
    peer.exchange.close("pulled")


def stranger(server: InProcess) -> tuple[Peer, LoggedOn]:
    return ready(server, guid=uuid.uuid4())


def replay(peer: Peer, session: LoggedOn, name: str, *given: CreateContext, again: bool = True) -> Answer:
    body = CreateRequest(name, 0x001F01FF, Disposition.OPEN_IF, oplock_level=BATCH, contexts=given).encode()
    return peer.ask(Command.CREATE, body, session, flags=Flags.REPLAY_OPERATION if again else None)


def test_an_open_with_a_batch_oplock_is_taken_back_by_another_worker_with_its_locks(
    fleet: tuple[InProcess, InProcess],
) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=BATCH, contexts=(durable(timeout=5000),))
    told = contexts.find(opened.contexts, contexts.DURABLE_REQUEST_V2)
    assert told is not None
    assert DurableResponseV2.decode(told).timeout == 5000
    element = LockElement(0, 1, LockFlags.EXCLUSIVE | LockFlags.FAIL_IMMEDIATELY)
    alice.ask(Command.LOCK, LockRequest(opened.file_id, (element,)).encode(), session)
    lose(alice)
    assert not fleet[0].core.opens, "in memory nothing is left of it"
    again, anew = stranger(fleet[1])
    response = again.open(anew, "whatever", contexts=(back(opened.file_id),))
    assert response.file_id[:8] == opened.file_id[:8]
    assert response.oplock_level == BATCH
    unlock = LockElement(0, 1, LockFlags.UNLOCK)
    answer = again.ask(Command.LOCK, LockRequest(response.file_id, (unlock,)).encode(), anew)
    assert answer.status is NTSTATUS.SUCCESS


def test_without_a_handle_to_keep_there_is_no_durability(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", contexts=(durable(),))
    assert contexts.find(opened.contexts, contexts.DURABLE_REQUEST_V2) is None
    lose(alice)
    again, anew = stranger(fleet[1])
    answer = again.try_create(anew, "film", contexts=(back(opened.file_id),))
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"guid": uuid.UUID(int=1)}, NTSTATUS.OBJECT_NAME_NOT_FOUND),
        ({"user": "bob"}, NTSTATUS.ACCESS_DENIED),
        ({"lease": True}, NTSTATUS.OBJECT_NAME_NOT_FOUND),
    ],
)
def test_who_does_not_get_it(
    fleet: tuple[InProcess, InProcess], about: dict[str, object], status: NTSTATUS
) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=BATCH, contexts=(durable(),))
    lose(alice)
    other = Peer(fleet[1].connect(), uuid.uuid4())
    other.negotiate()
    theirs = other.log_on(str(about.get("user", "alice")))
    other.tree_connect(theirs)
    guid = about.get("guid", CREATE_GUID)
    assert isinstance(guid, uuid.UUID)
    given = (back(opened.file_id, guid), *([lease()] if "lease" in about else []))
    assert other.try_create(theirs, "film", contexts=given).status is status


def test_a_lease_is_taken_back_by_its_client_alone(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=OplockLevel.LEASE, contexts=(durable(), lease()))
    lose(alice)
    other, theirs = stranger(fleet[1])
    answer = other.try_create(theirs, "film", contexts=(back(opened.file_id), lease()))
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND
    alice, session = ready(fleet[0])
    answer = alice.try_create(session, "other", contexts=(back(opened.file_id), lease()))
    assert answer.status is NTSTATUS.INVALID_PARAMETER, "another name"
    response = alice.open(session, "film", contexts=(back(opened.file_id), lease()))
    held = contexts.find(response.contexts, contexts.REQUEST_LEASE)
    assert held is not None
    assert Lease.decode(held).state == 7


def test_it_gives_way_to_whoever_is_there(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=BATCH, share_access=0, contexts=(durable(),))
    lose(alice)
    other, theirs = stranger(fleet[1])
    assert other.open(theirs, "film", oplock_level=BATCH).oplock_level == BATCH, "without a wait"
    alice, session = ready(fleet[0])
    answer = alice.try_create(session, "film", contexts=(back(opened.file_id),))
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


def test_a_killed_worker_is_a_lost_connection(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    kept = alice.open(session, "kept", oplock_level=BATCH, contexts=(durable(),))
    alice.create(session, "lost", share_access=0)
    fleet[0].kill()
    reclaim.inherit(fleet[1].core.table, fleet[0].address)
    again, anew = stranger(fleet[1])
    assert again.open(anew, "kept", contexts=(back(kept.file_id),)).file_id[:8] == kept.file_id[:8]
    assert again.try_create(anew, "lost", share_access=0).status is NTSTATUS.SUCCESS


def test_when_its_time_is_over_it_is_closed_and_what_was_to_go_with_it_goes(
    fleet: tuple[InProcess, InProcess], tmp_path: Path
) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(
        session,
        "film",
        oplock_level=BATCH,
        options=CreateOptions.DELETE_ON_CLOSE,
        contexts=(durable(timeout=1),),
    )
    lose(alice)
    fleet[0].fleet.run()
    (orphaned,) = fleet[0].fleet.orphaned
    table = fleet[1].core.table
    table.clock = lambda: orphaned.expires - 1
    assert reclaim.expire(table) == ({}, orphaned.expires)
    assert (tmp_path / "share" / "film").exists()
    table.clock = lambda: orphaned.expires
    assert reclaim.expire(table)[1] is None
    assert not (tmp_path / "share" / "film").exists()
    other, theirs = stranger(fleet[1])
    answer = other.try_create(theirs, "film", contexts=(back(opened.file_id),))
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


def test_nothing_is_left_in_the_store_when_all_is_closed(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=OplockLevel.LEASE, contexts=(durable(), lease()))
    element = LockElement(0, 1, LockFlags.EXCLUSIVE | LockFlags.FAIL_IMMEDIATELY)
    alice.ask(Command.LOCK, LockRequest(opened.file_id, (element,)).encode(), session)
    alice.ask(Command.CLOSE, CloseRequest(opened.file_id).encode(), session)
    store = fleet[0].core.store
    with store.read() as reading:
        tables = (FILES, LOCKS, ORPHANS, LEASES, DURABLE, b"applications\0")
        assert {table: list(store.scan(reading, table)) for table in tables} == {
            table: [] for table in tables
        }


def test_a_replayed_create_is_the_same_open_on_another_channel(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    channel, there = second_channel(fleet[0], session)
    opened = alice.open(session, "film", oplock_level=BATCH, contexts=(durable(),))
    replayed = CreateResponse.decode(replay(channel, there, "film", durable()).body)
    assert (replayed.file_id, replayed.action) == (opened.file_id, opened.action)
    answer = replay(channel, there, "film", durable(), again=False)
    assert answer.status is NTSTATUS.DUPLICATE_OBJECTID
    channel.write(there, opened.file_id, b"x")
    answer = replay(channel, there, "film", durable())
    assert answer.status is NTSTATUS.PENDING, (
        "once it has been used it is another, for which the first has to break"
    )
    assert alice.next().header.command is Command.OPLOCK_BREAK


def test_a_replay_finds_its_create_still_under_way_and_then_done(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    held = bob.open(his, "film", oplock_level=BATCH)
    channel, there = second_channel(fleet[0], session)
    body = CreateRequest(
        "film", 0x001F01FF, Disposition.OPEN_IF, oplock_level=BATCH, contexts=(durable(),)
    ).encode()
    alice.begin(Command.CREATE, body, session)
    assert alice.next().status is NTSTATUS.PENDING
    lose(alice)
    assert replay(channel, there, "film", durable()).status is NTSTATUS.FILE_NOT_AVAILABLE
    bob.next()
    bob.ask(Command.CLOSE, CloseRequest(held.file_id).encode(), his)
    fleet[0].fleet.run()
    assert replay(channel, there, "film", durable()).status is NTSTATUS.SUCCESS
    assert len(fleet[0].core.opens) == 1, "the create went on without its connection"


def test_another_session_does_not_get_the_replay(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    alice.open(session, "film", oplock_level=BATCH, contexts=(durable(),))
    other, theirs = ready(fleet[0])
    assert replay(other, theirs, "film", durable()).status is NTSTATUS.DUPLICATE_OBJECTID


def test_an_application_that_moves_to_another_client_gets_its_former_open_closed(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    instance = CreateContext(contexts.APP_INSTANCE_ID, AppInstanceId(b"A" * 16).encode())
    former = alice.open(session, "film", share_access=0, contexts=(durable(), instance))
    bob.open(his, "film", share_access=0, contexts=(durable(uuid.UUID(int=43)), instance))
    answer = alice.ask(Command.CLOSE, CloseRequest(former.file_id).encode(), session)
    assert answer.status is NTSTATUS.FILE_CLOSED


def test_a_log_on_that_names_a_session_of_another_worker_ends_it_first(
    fleet: tuple[InProcess, InProcess],
) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "film", oplock_level=BATCH, contexts=(durable(),))
    again = Peer(fleet[1].connect(), uuid.uuid4())
    again.negotiate()
    anew, answer = again.authenticate(previous=session.id)
    assert answer.status is NTSTATUS.SUCCESS
    assert anew is not None
    assert session.id not in fleet[0].core.sessions
    again.tree_connect(anew)
    assert again.open(anew, "film", contexts=(back(opened.file_id),)).file_id[:8] == opened.file_id[:8]


def test_another_users_session_is_left_alone(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    other = Peer(fleet[1].connect(), uuid.uuid4())
    other.negotiate()
    theirs, answer = other.authenticate("bob", previous=session.id)
    assert answer.status is NTSTATUS.SUCCESS
    assert theirs is not None
    assert alice.try_create(session, "film").status is NTSTATUS.SUCCESS
