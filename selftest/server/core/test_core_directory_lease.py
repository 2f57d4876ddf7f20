"""Leases on directories: who caches a directory learns of every change of its entries that is not its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.smb_peer import (
    Fleet,
    InProcess,
    InProcessWire,
    LoggedOn,
    Peer,
    config,
    ready,
)
from server.wire.create import FILE_GENERIC_READ, CreateOptions, Disposition, OplockLevel
from server.wire.create_contexts import LEASE_FLAG_PARENT_KEY, REQUEST_LEASE, CreateContext, Lease, find
from server.wire.file_infos import FileClass, RenameInformation
from server.wire.header import Command
from server.wire.negotiate import Capabilities
from server.wire.oplock_break import LeaseBreak, LeaseBreakNotification
from server.wire.query import InfoType
from server.wire.readwrite import CloseRequest
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

RH, RWH = 3, 7
DIRECTORY, FILE = b"D" * 16, b"F" * 16
CAPABILITIES = Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL | Capabilities.DIRECTORY_LEASING


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    shared = Fleet()
    with InProcess(config(tmp_path), shared) as one, InProcess(config(tmp_path), shared) as other:
        yield one, other
    assert not one.failures.lines + other.failures.lines, "an error of the server's own"
    shared.close()


def lease(key: bytes, state: int = RWH, parent: bytes = bytes(16)) -> dict[str, object]:
    flags = LEASE_FLAG_PARENT_KEY if any(parent) else 0
    asked = Lease(key, state, flags, 2, parent)
    return {
        "oplock_level": OplockLevel.LEASE,
        "contexts": (CreateContext(REQUEST_LEASE, asked.encode()),),
    }


def watched(server: InProcess) -> tuple[Peer, LoggedOn]:
    """A client that caches the directory `dir`."""
    alice, session = ready(server, capabilities=CAPABILITIES)
    about = {"options": CreateOptions.DIRECTORY_FILE, "desired_access": FILE_GENERIC_READ}
    opened = alice.open(session, "dir", disposition=Disposition.OPEN_IF, **about, **lease(DIRECTORY))
    raw = find(opened.contexts, REQUEST_LEASE)
    assert raw is not None
    assert Lease.decode(raw).state == RH, "a directory is not written to"
    return alice, session


def stranger(server: InProcess) -> tuple[Peer, LoggedOn]:
    return ready(server, guid=uuid.uuid4(), capabilities=CAPABILITIES)


def told(peer: Peer) -> None:
    notification = LeaseBreakNotification.decode(peer.next().body)
    assert (notification.key, notification.current, notification.new) == (DIRECTORY, RH, 0)


def quiet(peer: Peer) -> bool:
    assert isinstance(peer.exchange, InProcessWire)
    return peer.exchange.quiet()


def test_without_the_capability_there_is_none(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    opened = alice.open(session, "dir", options=CreateOptions.DIRECTORY_FILE, **lease(DIRECTORY))
    assert opened.oplock_level == OplockLevel.NONE


def test_a_new_entry_is_told_and_nobody_waits_for_the_answer(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = watched(fleet[0]), stranger(fleet[1])
    assert bob.try_create(his, "dir\\new").status is NTSTATUS.SUCCESS
    told(alice)
    answer = alice.ask(Command.OPLOCK_BREAK, LeaseBreak(DIRECTORY, 0).encode(), session)
    assert answer.status is NTSTATUS.SUCCESS


def test_a_client_that_names_its_lease_makes_entries_by_itself(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = watched(fleet[0])
    alice.open(session, "dir\\new", **lease(FILE, parent=DIRECTORY))
    assert quiet(alice)


def test_another_clients_key_of_the_same_bytes_is_another_key(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, _), (bob, his) = watched(fleet[0]), stranger(fleet[1])
    bob.open(his, "dir\\new", **lease(FILE, parent=DIRECTORY))
    told(alice)


@pytest.mark.parametrize("how", ["delete", "rename", "write"])
def test_other_changes_of_an_entry(fleet: tuple[InProcess, InProcess], how: str, tmp_path: Path) -> None:
    bob, his = stranger(fleet[1])
    (tmp_path / "share" / "dir").mkdir()
    options = CreateOptions.DELETE_ON_CLOSE if how == "delete" else 0
    file_id = bob.create(his, "dir\\old", options=options)
    alice, _ = watched(fleet[0])
    if how == "rename":
        data = RenameInformation("dir\\new").encode()
        body = SetInfoRequest(file_id, InfoType.FILE, FileClass.RENAME, data).encode()
        assert bob.ask(Command.SET_INFO, body, his).status is NTSTATUS.SUCCESS
    elif how == "write":
        bob.write(his, file_id, b"x")
        assert quiet(alice), "its size may change again until it is closed"
    if how != "rename":
        bob.ask(Command.CLOSE, CloseRequest(file_id).encode(), his)
    told(alice)


def test_what_happens_elsewhere_is_not_told(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, _), (bob, his) = watched(fleet[0]), stranger(fleet[1])
    bob.create(his, "elsewhere")
    assert quiet(alice)


def test_the_store_forgets_the_directory_with_its_lease(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = watched(fleet[0])
    (opened,) = fleet[0].core.opens.values()
    alice.ask(Command.CLOSE, CloseRequest(opened.file_id).encode(), session)
    assert not fleet[0].core.table.leased_directories()
