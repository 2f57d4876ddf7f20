"""CHANGE_NOTIFY: what another worker's client changes below a directory is told, once, in order, to whom it concerns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.smb_peer import Answer, Fleet, InProcess, InProcessWire, LoggedOn, Peer, config, ready
from server.core.notify import WATCHES
from server.wire.create import CreateOptions
from server.wire.header import Command
from server.wire.notify import Action, Change, ChangeNotifyRequest, Filter, decode_changes
from server.wire.query import QueryResponse
from server.wire.readwrite import CloseRequest
from server.wire.status import NTSTATUS

NAMES = Filter.FILE_NAME | Filter.DIR_NAME


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    shared = Fleet()
    with InProcess(config(tmp_path), shared) as one, InProcess(config(tmp_path), shared) as other:
        yield one, other
    assert not one.failures.lines + other.failures.lines, "an error of the server's own"
    shared.close()


def directory(peer: Peer, session: LoggedOn, name: str) -> bytes:
    return peer.create(session, name, options=CreateOptions.DIRECTORY_FILE)


def watch(
    peer: Peer,
    session: LoggedOn,
    file_id: bytes,
    wanted: int = NAMES,
    *,
    tree: bool = False,
    room: int = 4096,
) -> None:
    peer.begin(Command.CHANGE_NOTIFY, ChangeNotifyRequest(file_id, wanted, room, int(tree)).encode(), session)


def watching(
    peer: Peer, session: LoggedOn, file_id: bytes, wanted: int = NAMES, *, tree: bool = False
) -> None:
    watch(peer, session, file_id, wanted, tree=tree)
    assert peer.next().status is NTSTATUS.PENDING


def changes(answer: Answer) -> list[Change]:
    assert answer.status is NTSTATUS.SUCCESS, answer.status.label
    return decode_changes(QueryResponse.decode(answer.body).data)


def close(peer: Peer, session: LoggedOn, file_id: bytes) -> None:
    assert peer.ask(Command.CLOSE, CloseRequest(file_id).encode(), session).status is NTSTATUS.SUCCESS


def pair(fleet: tuple[InProcess, InProcess]) -> tuple[Peer, LoggedOn, Peer, LoggedOn]:
    return *ready(fleet[0]), *ready(fleet[1], guid=uuid.uuid4())


def test_an_entry_that_another_makes_and_deletes(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, bob, his = pair(fleet)
    watched = directory(alice, session, "dir")
    watching(alice, session, watched)
    made = bob.create(his, "dir\\new", options=CreateOptions.DELETE_ON_CLOSE)
    assert changes(alice.next()) == [Change(Action.ADDED, "new")]
    close(bob, his, made)
    fleet[0].fleet.run()
    watch(alice, session, watched)
    assert changes(alice.next()) == [Change(Action.REMOVED, "new")], "kept until it is asked for"


def test_below_a_directory_only_who_watches_the_tree_is_told(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, bob, his = pair(fleet)
    flat, deep = directory(alice, session, "dir"), directory(alice, session, "dir")
    directory(bob, his, "dir\\sub")
    watching(alice, session, flat)
    watching(alice, session, deep, tree=True)
    bob.create(his, "dir\\sub\\new")
    assert changes(alice.next()) == [Change(Action.ADDED, "sub\\new")]
    assert isinstance(alice.exchange, InProcessWire)
    assert alice.exchange.quiet()


def test_only_what_the_filter_lets_through(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, bob, his = pair(fleet)
    watching(alice, session, directory(alice, session, "dir"), Filter.SIZE)
    written = bob.create(his, "dir\\new")
    bob.write(his, written, b"x")
    assert changes(alice.next()) == [Change(Action.MODIFIED, "new")]


def test_more_than_fits_is_told_as_an_overflow(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, bob, his = pair(fleet)
    watched = directory(alice, session, "dir")
    watch(alice, session, watched, room=20)
    assert alice.next().status is NTSTATUS.PENDING
    bob.create(his, "dir\\a-long-name")
    assert alice.next().status is NTSTATUS.NOTIFY_ENUM_DIR


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_watch_ends_with_what_ends_it_and_the_store_forgets_it(
    fleet: tuple[InProcess, InProcess], how: str
) -> None:
    alice, session, *_ = pair(fleet)
    watched = directory(alice, session, "dir")
    watch(alice, session, watched)
    pending = alice.next()
    if how == "cancel":
        alice.cancel(session, pending)
        assert alice.next().status is NTSTATUS.CANCELLED
        close(alice, session, watched)
    else:
        alice.begin(Command.CLOSE, CloseRequest(watched).encode(), session)
        found = {answer.header.command: answer.status for answer in (alice.next(), alice.next())}
        assert found[Command.CHANGE_NOTIFY] is NTSTATUS.NOTIFY_CLEANUP
    store = fleet[0].core.store
    with store.read() as reading:
        assert list(store.scan(reading, WATCHES)) == []


def test_a_close_that_comes_right_behind_still_ends_it(fleet: tuple[InProcess, InProcess]) -> None:
    """Both requests are there before anything else can run."""
    alice, session, *_ = pair(fleet)
    watched = directory(alice, session, "dir")
    worker = fleet[0]
    messages = [
        alice._message(command, body, session_id=session.id, tree_id=session.tree, signer=session.signer)
        for command, body in (
            (Command.CHANGE_NOTIFY, ChangeNotifyRequest(watched, NAMES).encode()),
            (Command.CLOSE, CloseRequest(watched).encode()),
        )
    ]
    assert isinstance(alice.exchange, InProcessWire)
    connection = alice.exchange.connection

    async def deliver() -> None:
        for message in messages:
            worker.dispatcher.receive(connection, message)

    worker.fleet.loop.run_until_complete(deliver())
    statuses = [alice.next().status for _ in range(3)]
    assert sorted(statuses) == [NTSTATUS.SUCCESS, NTSTATUS.PENDING, NTSTATUS.NOTIFY_CLEANUP]


def test_a_file_cannot_be_watched(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, *_ = pair(fleet)
    watch(alice, session, alice.create(session, "file"))
    assert alice.next().status is NTSTATUS.INVALID_PARAMETER


def test_deleting_the_watched_directory_ends_the_watch(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, bob, his = pair(fleet)
    watching(alice, session, directory(alice, session, "dir"))
    doomed = bob.create(his, "dir", options=CreateOptions.DIRECTORY_FILE | CreateOptions.DELETE_ON_CLOSE)
    close(bob, his, doomed)
    assert alice.next().status is NTSTATUS.DELETE_PENDING
