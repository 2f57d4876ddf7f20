"""Leases and oplocks: what is granted beside whom, who is told to give it up and on which channel, and who waits for it.

The clients are of different workers unless a test says otherwise: all they share is the store.
"""

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
    InProcessWire,
    LoggedOn,
    Peer,
    config,
    ready,
    second_channel,
)
from server.core.shared import reclaim
from server.wire.create import CreateRequest, CreateResponse, Disposition, OplockLevel
from server.wire.create_contexts import REQUEST_LEASE, CreateContext, Lease, find
from server.wire.file_infos import FileClass, RenameInformation
from server.wire.header import UNSOLICITED, Command
from server.wire.oplock_break import ACK_REQUIRED, LeaseBreak, LeaseBreakNotification, OplockBreak
from server.wire.query import InfoType
from server.wire.readwrite import CloseRequest
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

R, RH, RW, RWH = 1, 3, 5, 7
KEY, OTHER = b"K" * 16, b"O" * 16


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    """Two workers of one server. Breaks run out of time soon."""
    settings = config(tmp_path)
    settings = replace(settings, limits=replace(settings.limits, break_time=0.5))
    shared = Fleet()
    with InProcess(settings, shared) as one, InProcess(settings, shared) as other:
        yield one, other
    assert not one.failures.lines + other.failures.lines, "an error of the server's own"
    shared.close()


def lease(state: int, key: bytes = KEY, epoch: int | None = None, **about: object) -> dict[str, object]:
    """What to say to CREATE for a lease; of version 2 with an `epoch`."""
    asked = Lease(key, state) if epoch is None else Lease(key, state, version=2, epoch=epoch)
    contexts = (CreateContext(REQUEST_LEASE, asked.encode()),)
    return {"oplock_level": OplockLevel.LEASE, "contexts": contexts, **about}


def granted(response: CreateResponse) -> Lease:
    raw = find(response.contexts, REQUEST_LEASE)
    assert raw is not None
    return Lease.decode(raw)


def break_of(answer: Answer) -> LeaseBreakNotification:
    assert (answer.header.command, answer.header.message_id) == (Command.OPLOCK_BREAK, UNSOLICITED)
    return LeaseBreakNotification.decode(answer.body)


def acknowledge(peer: Peer, session: LoggedOn, key: bytes, state: int) -> Answer:
    return peer.ask(Command.OPLOCK_BREAK, LeaseBreak(key, state).encode(), session)


def stranger(server: InProcess) -> tuple[Peer, LoggedOn]:
    return ready(server, guid=uuid.uuid4())


def creating(peer: Peer, session: LoggedOn, name: str, **about: object) -> None:
    chosen = {"desired_access": 0x001F01FF, "disposition": Disposition.OPEN_IF, **about}
    peer.begin(Command.CREATE, CreateRequest(name, **chosen).encode(), session)  # type: ignore[arg-type]


def quiet(peer: Peer) -> bool:
    assert isinstance(peer.exchange, InProcessWire)
    return peer.exchange.quiet()


def test_an_open_by_another_client_waits_until_the_writer_has_given_up_its_cache(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    assert granted(alice.open(session, "film", **lease(RWH))).state == RWH
    creating(bob, his, "film", **lease(RWH, OTHER))
    told = break_of(alice.next())
    assert (told.key, told.current, told.new, told.flags) == (KEY, RWH, RH, ACK_REQUIRED)
    pending = bob.next()
    assert pending.status is NTSTATUS.PENDING
    assert pending.header.async_id
    assert quiet(bob), "answered before the break was acknowledged"
    assert acknowledge(alice, session, KEY, RH).status is NTSTATUS.SUCCESS
    answer = bob.next()
    assert (answer.status, answer.header.async_id) == (NTSTATUS.SUCCESS, pending.header.async_id)
    assert answer.header.credits == 0, "all credits went with the interim answer"
    assert granted(CreateResponse.decode(answer.body)).state == RH


def test_the_same_within_one_worker(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    alice.open(session, "film", **lease(RWH))
    creating(alice, session, "film", **lease(R, OTHER))
    assert break_of(alice.next()).new == RH
    assert alice.next().status is NTSTATUS.PENDING
    assert acknowledge(alice, session, KEY, RH).status is NTSTATUS.SUCCESS
    assert alice.next().status is NTSTATUS.SUCCESS


def test_one_key_never_breaks_itself_and_may_grow(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    assert granted(alice.open(session, "film", **lease(R))).state == R
    assert granted(alice.open(session, "film", **lease(RWH))).state == RWH
    assert granted(alice.open(session, "film", **lease(R))).state == RWH, "it never shrinks"
    assert quiet(alice)


def test_a_key_is_for_one_file(fleet: tuple[InProcess, InProcess]) -> None:
    alice, session = ready(fleet[0])
    alice.open(session, "film", **lease(R))
    answer = alice.try_create(session, "other", **lease(R))
    assert answer.status is NTSTATUS.INVALID_PARAMETER


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 0), (R, R), (2, 0), (RH, RH), (4, 0), (RW, RW), (6, 0), (RWH, RWH)]
)
def test_the_states_that_there_are(fleet: tuple[InProcess, InProcess], asked: int, given: int) -> None:
    alice, session = ready(fleet[0])
    assert granted(alice.open(session, "film", **lease(asked))).state == given


def test_the_epoch_counts_grants_and_breaks(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    assert granted(alice.open(session, "film", **lease(RH, epoch=5))).epoch == 6
    assert granted(alice.open(session, "film", **lease(RWH, epoch=9))).epoch == 7
    creating(bob, his, "film")
    assert break_of(alice.next()).epoch == 8
    acknowledge(alice, session, KEY, RH)


def test_a_write_takes_what_others_have_read_and_does_not_wait(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(R))
    file_id = bob.create(his, "film")
    assert bob.write(his, file_id, b"x").status is NTSTATUS.SUCCESS
    told = break_of(alice.next())
    assert (told.current, told.new, told.flags) == (R, 0, 0), "nothing to acknowledge"
    assert acknowledge(alice, session, KEY, 0).status is NTSTATUS.UNSUCCESSFUL


def test_an_acknowledgment_comes_on_any_channel_and_must_give_up_enough(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    channel, there = second_channel(fleet[0], session)
    alice.open(session, "film", **lease(RWH))
    creating(bob, his, "film")
    assert break_of(alice.next()).new == RH
    assert acknowledge(channel, there, OTHER, 0).status is NTSTATUS.OBJECT_NAME_NOT_FOUND
    assert acknowledge(channel, there, KEY, RWH).status is NTSTATUS.REQUEST_NOT_ACCEPTED
    assert acknowledge(channel, there, KEY, 0).status is NTSTATUS.SUCCESS
    assert bob.next().status is NTSTATUS.PENDING
    assert bob.next().status is NTSTATUS.SUCCESS
    assert acknowledge(channel, there, KEY, 0).status is NTSTATUS.UNSUCCESSFUL


def test_a_break_that_tcp_does_not_acknowledge_goes_to_the_next_channel_and_the_dead_one_is_dropped(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    settings = fleet[0].core.config
    fleet[0].core.config = replace(settings, limits=replace(settings.limits, break_time=30.0))
    channel, there = second_channel(fleet[0], session)
    alice.open(session, "film", **lease(RWH))
    first = alice.exchange
    assert isinstance(first, InProcessWire)
    first.acking = False
    creating(bob, his, "film")
    assert break_of(alice.next()).new == RH, "sent, but TCP has lost it"
    assert break_of(channel.next()).new == RH
    assert first.reason == "a break was not acknowledged by TCP in time"
    assert acknowledge(channel, there, KEY, RH).status is NTSTATUS.SUCCESS
    assert [bob.next().status for _ in range(2)] == [NTSTATUS.PENDING, NTSTATUS.SUCCESS]


def test_a_lost_channel_hands_the_break_on_at_once(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    channel, there = second_channel(fleet[0], session)
    alice.open(session, "film", **lease(RWH))
    assert isinstance(alice.exchange, InProcessWire)
    alice.exchange.close("pulled")
    creating(bob, his, "film")
    assert break_of(channel.next()).new == RH
    assert acknowledge(channel, there, KEY, RH).status is NTSTATUS.SUCCESS


def test_who_does_not_answer_caches_nothing_any_more(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(RWH))
    creating(bob, his, "film")
    assert [bob.next().status for _ in range(2)] == [NTSTATUS.PENDING, NTSTATUS.SUCCESS]
    assert break_of(alice.next()).new == RH
    assert acknowledge(alice, session, KEY, RH).status is NTSTATUS.UNSUCCESSFUL


def test_closing_is_an_answer_too(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    opened = alice.open(session, "film", **lease(RWH))
    creating(bob, his, "film")
    break_of(alice.next())
    assert bob.next().status is NTSTATUS.PENDING
    alice.ask(Command.CLOSE, CloseRequest(opened.file_id).encode(), session)
    assert bob.next().status is NTSTATUS.SUCCESS


def test_the_holder_that_dies_keeps_nobody_waiting_for_long(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(RWH))
    creating(bob, his, "film")
    assert bob.next().status is NTSTATUS.PENDING
    fleet[0].kill()
    for key, addresses in reclaim.inherit(fleet[1].core.table, fleet[0].address).items():
        for address in addresses:
            fleet[1].core.wake(address, key)
    assert bob.next().status is NTSTATUS.SUCCESS


@pytest.mark.parametrize("level", [OplockLevel.EXCLUSIVE, OplockLevel.BATCH])
def test_an_oplock_goes_to_level_ii_and_its_write_takes_all_of_that(
    fleet: tuple[InProcess, InProcess], level: OplockLevel
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    opened = alice.open(session, "film", oplock_level=level)
    assert opened.oplock_level == level
    creating(bob, his, "film", oplock_level=OplockLevel.BATCH)
    told = alice.next()
    assert told.header.session_id == session.id
    assert OplockBreak.decode(told.body) == OplockBreak(opened.file_id, OplockLevel.II)
    answer = alice.ask(Command.OPLOCK_BREAK, told.body.tobytes(), session)
    assert answer.status is NTSTATUS.SUCCESS
    assert bob.next().status is NTSTATUS.PENDING
    response = CreateResponse.decode(bob.next().body)
    assert response.oplock_level == OplockLevel.II
    assert alice.begin(Command.ECHO, b"\x04\0\0\0", session)
    assert alice.next().status is NTSTATUS.SUCCESS
    creating(bob, his, "film", disposition=Disposition.OVERWRITE)
    assert OplockBreak.decode(alice.next().body).level == OplockLevel.NONE


@pytest.mark.parametrize(
    ("level", "status"),
    [
        (OplockLevel.LEASE, NTSTATUS.INVALID_PARAMETER),
        (OplockLevel.BATCH, NTSTATUS.INVALID_OPLOCK_PROTOCOL),
        (0x42, NTSTATUS.INVALID_OPLOCK_PROTOCOL),
    ],
)
def test_an_oplock_is_not_acknowledged_by_just_anything(
    fleet: tuple[InProcess, InProcess], level: int, status: NTSTATUS
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    opened = alice.open(session, "film", oplock_level=OplockLevel.BATCH)
    creating(bob, his, "film")
    alice.next()
    assert (
        alice.ask(Command.OPLOCK_BREAK, OplockBreak(opened.file_id, level).encode(), session).status is status
    )


def test_a_waiting_create_can_be_cancelled_and_leaves_nothing(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(RWH))
    creating(bob, his, "film")
    bob.cancel(his, bob.next())
    assert bob.next().status is NTSTATUS.CANCELLED
    (key,) = {opened.key for opened in fleet[0].core.opens.values()}
    assert len(fleet[1].core.table.look(key).opens) == 1


def test_looking_at_attributes_breaks_nothing(fleet: tuple[InProcess, InProcess]) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(RWH))
    bob.create(his, "film", desired_access=0x00100180)
    assert quiet(alice)


def test_a_rename_waits_until_others_have_let_go_of_their_handles(
    fleet: tuple[InProcess, InProcess],
) -> None:
    (alice, session), (bob, his) = ready(fleet[0]), stranger(fleet[1])
    alice.open(session, "film", **lease(RH))
    file_id = bob.create(his, "film")
    data = RenameInformation("filmed").encode()
    bob.begin(
        Command.SET_INFO,
        SetInfoRequest(file_id, InfoType.FILE, FileClass.RENAME, data).encode(),
        his,
    )
    told = break_of(alice.next())
    assert (told.current, told.new) == (RH, R)
    assert bob.next().status is NTSTATUS.PENDING
    acknowledge(alice, session, KEY, R)
    assert bob.next().status is NTSTATUS.SUCCESS
    (opened,) = fleet[0].core.opens.values()
    fleet[0].fleet.run()
    assert opened.path == ("filmed",), "the other worker knows the new name"


def test_a_write_of_nothing_breaks_nothing(server: InProcess) -> None:
    peer, session = ready(server)
    writer = peer.create(session, "file")
    reader = peer.open(session, "file", oplock_level=OplockLevel.II)
    assert reader.oplock_level == OplockLevel.II
    assert peer.write(session, writer, b"").status is NTSTATUS.SUCCESS
    assert server.core.table.look(server.core.by_id[int.from_bytes(reader.file_id[:8], "little")].key).grants
