"""Byte-range locks between clients of different workers: refused, waited for, cancelled, repeated after a lost answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from selftest.support.smb_peer import (
    Answer,
    Fleet,
    InProcess,
    LoggedOn,
    Peer,
    config,
    ready,
    second_channel,
)
from server.core.shared import reclaim
from server.wire.header import Command
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.misc import EMPTY_BODY
from server.wire.readwrite import CloseRequest
from server.wire.status import NTSTATUS

SHARED, EXCLUSIVE, UNLOCK = LockFlags.SHARED, LockFlags.EXCLUSIVE, LockFlags.UNLOCK
NOW = LockFlags.FAIL_IMMEDIATELY


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    shared = Fleet()
    with InProcess(config(tmp_path), shared) as one, InProcess(config(tmp_path), shared) as other:
        yield one, other
    assert not one.failures.lines + other.failures.lines, "an error of the server's own"
    shared.close()


def body(file_id: bytes, *ranges: tuple[int, int, int], sequence: int = 0) -> bytes:
    return LockRequest(file_id, tuple(LockElement(*one) for one in ranges), sequence).encode()


def lock(
    peer: Peer, session: LoggedOn, file_id: bytes, *ranges: tuple[int, int, int], sequence: int = 0
) -> NTSTATUS:
    return peer.ask(Command.LOCK, body(file_id, *ranges, sequence=sequence), session).status


def both(fleet: tuple[InProcess, InProcess]) -> tuple[Peer, LoggedOn, bytes, Peer, LoggedOn, bytes]:
    (alice, session), (bob, his) = ready(fleet[0]), ready(fleet[1], guid=uuid.uuid4())
    return alice, session, alice.create(session, "film"), bob, his, bob.create(his, "film")


def waiting(peer: Peer, session: LoggedOn, file_id: bytes) -> Answer:
    peer.begin(Command.LOCK, body(file_id, (0, 10, EXCLUSIVE)), session)
    pending = peer.next()
    assert pending.status is NTSTATUS.PENDING
    return pending


def test_what_one_client_has_locked_another_may_not_lock_read_or_write(
    fleet: tuple[InProcess, InProcess],
) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    assert alice.write(session, hers, bytes(20)).status is NTSTATUS.SUCCESS
    assert lock(alice, session, hers, (0, 10, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS
    assert lock(bob, his, file_id, (5, 1, SHARED | NOW)) is NTSTATUS.LOCK_NOT_GRANTED
    assert bob.read(his, file_id, 10).status is NTSTATUS.FILE_LOCK_CONFLICT
    assert bob.write(his, file_id, b"x", 9).status is NTSTATUS.FILE_LOCK_CONFLICT
    assert bob.write(his, file_id, b"x", 10).status is NTSTATUS.SUCCESS
    assert alice.write(session, hers, b"x").status is NTSTATUS.SUCCESS


def test_all_of_a_request_or_none_of_it(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    assert lock(alice, session, hers, (50, 1, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS
    ranges = ((0, 1, EXCLUSIVE | NOW), (50, 1, EXCLUSIVE | NOW))
    assert lock(bob, his, file_id, *ranges) is NTSTATUS.LOCK_NOT_GRANTED
    assert lock(alice, session, hers, (0, 1, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS, "it was not kept"


def test_unlocks_before_the_one_that_fails_stand(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, *_ = both(fleet)
    assert lock(alice, session, hers, (0, 1, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS
    assert lock(alice, session, hers, (0, 1, UNLOCK), (5, 1, UNLOCK)) is NTSTATUS.RANGE_NOT_LOCKED
    assert lock(alice, session, hers, (0, 1, UNLOCK)) is NTSTATUS.RANGE_NOT_LOCKED, "already"


def test_a_lock_is_waited_for_until_it_is_free(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    assert lock(alice, session, hers, (0, 10, EXCLUSIVE)) is NTSTATUS.SUCCESS
    pending = waiting(bob, his, file_id)
    assert lock(alice, session, hers, (0, 10, UNLOCK)) is NTSTATUS.SUCCESS
    answer = bob.next()
    assert (answer.status, answer.header.async_id) == (NTSTATUS.SUCCESS, pending.header.async_id)
    assert lock(alice, session, hers, (0, 10, SHARED | NOW)) is NTSTATUS.LOCK_NOT_GRANTED


def test_closing_the_file_sets_its_locks_free(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    lock(alice, session, hers, (0, 10, EXCLUSIVE))
    waiting(bob, his, file_id)
    alice.ask(Command.CLOSE, CloseRequest(hers).encode(), session)
    assert bob.next().status is NTSTATUS.SUCCESS


def test_so_does_the_death_of_its_worker(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    lock(alice, session, hers, (0, 10, EXCLUSIVE))
    waiting(bob, his, file_id)
    fleet[0].kill()
    for key, addresses in reclaim.inherit(fleet[1].core.table, fleet[0].address).items():
        for address in addresses:
            fleet[1].core.wake(address, key)
    assert bob.next().status is NTSTATUS.SUCCESS


def test_even_before_anybody_has_noticed_that_death(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    lock(alice, session, hers, (0, 10, EXCLUSIVE))
    fleet[0].kill()
    assert lock(bob, his, file_id, (0, 10, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS


@pytest.mark.parametrize("how", ["cancel", "close", "logoff"])
def test_a_waiting_lock_ends_with_what_ends_it(fleet: tuple[InProcess, InProcess], how: str) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    lock(alice, session, hers, (0, 10, EXCLUSIVE))
    pending = waiting(bob, his, file_id)
    if how == "cancel":
        bob.cancel(his, pending)
        assert bob.next().status is NTSTATUS.CANCELLED
    else:
        command = Command.CLOSE if how == "close" else Command.LOGOFF
        bob.begin(command, CloseRequest(file_id).encode() if how == "close" else EMPTY_BODY, his)
        found = {answer.header.command: answer.status for answer in (bob.next(), bob.next())}
        assert found == {command: NTSTATUS.SUCCESS, Command.LOCK: NTSTATUS.RANGE_NOT_LOCKED}
    assert lock(alice, session, hers, (0, 10, UNLOCK)) is NTSTATUS.SUCCESS
    assert lock(alice, session, hers, (0, 10, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS, "nothing is left of it"


def test_a_lock_that_is_sent_again_on_another_channel_is_not_taken_twice(
    fleet: tuple[InProcess, InProcess],
) -> None:
    alice, session, hers, *_ = both(fleet)
    channel, there = second_channel(fleet[0], session)
    sequence = 3 << 4 | 5
    assert lock(alice, session, hers, (0, 1, EXCLUSIVE | NOW), sequence=sequence) is NTSTATUS.SUCCESS
    assert lock(channel, there, hers, (0, 1, EXCLUSIVE | NOW), sequence=sequence) is NTSTATUS.SUCCESS
    assert (
        lock(channel, there, hers, (0, 1, EXCLUSIVE | NOW), sequence=3 << 4 | 6) is NTSTATUS.LOCK_NOT_GRANTED
    ), "another number is another lock"


@pytest.mark.parametrize(
    ("ranges", "status"),
    [
        (((0, 1, 0),), NTSTATUS.INVALID_PARAMETER),
        (((0, 1, SHARED | EXCLUSIVE),), NTSTATUS.INVALID_PARAMETER),
        (((0, 1, UNLOCK | NOW),), NTSTATUS.INVALID_PARAMETER),
        (((0, 1, SHARED), (5, 1, SHARED)), NTSTATUS.INVALID_PARAMETER),
        (((2**64 - 1, 2, EXCLUSIVE | NOW),), NTSTATUS.INVALID_LOCK_RANGE),
    ],
)
def test_what_is_no_lock(
    fleet: tuple[InProcess, InProcess], ranges: tuple[tuple[int, int, int], ...], status: NTSTATUS
) -> None:
    alice, session, hers, *_ = both(fleet)
    assert lock(alice, session, hers, *ranges) is status


def test_one_client_does_not_fill_the_store_with_locks(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, *_ = both(fleet)
    settings = fleet[0].core.config
    fleet[0].core.config = replace(settings, limits=replace(settings.limits, max_locks=2))
    for offset in range(2):
        assert lock(alice, session, hers, (offset, 1, EXCLUSIVE | NOW)) is NTSTATUS.SUCCESS
    assert lock(alice, session, hers, (2, 1, EXCLUSIVE | NOW)) is NTSTATUS.INSUFFICIENT_RESOURCES
    many = tuple((offset, 1, EXCLUSIVE | NOW) for offset in range(10, 300))
    assert lock(alice, session, hers, *many) is NTSTATUS.INVALID_PARAMETER


def test_only_so_many_requests_of_a_connection_wait(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session, hers, bob, his, file_id = both(fleet)
    settings = fleet[1].core.config
    fleet[1].core.config = replace(settings, limits=replace(settings.limits, max_async=1))
    lock(alice, session, hers, (0, 10, EXCLUSIVE))
    waiting(bob, his, file_id)
    assert lock(bob, his, file_id, (0, 10, EXCLUSIVE)) is NTSTATUS.INSUFFICIENT_RESOURCES
