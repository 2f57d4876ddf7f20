"""Who pays for what: credits, multi-credit requests, and what a compound shares of them
(MS-SMB2 3.3.1.1, 3.3.1.2, 3.3.5.2.3, 3.3.5.2.5, 3.3.5.2.7).
"""

from __future__ import annotations

import pytest

from selftest.support.smb_peer import Closed, InProcess, Peer, ready
from server.wire.create import CreateOptions
from server.wire.header import Command, split_compound
from server.wire.ioctl import NO_FILE
from server.wire.misc import EMPTY_BODY
from server.wire.notify import ChangeNotifyRequest
from server.wire.readwrite import CloseRequest, ReadRequest, WriteRequest
from server.wire.status import NTSTATUS


def test_a_large_write_pays_for_every_64_kib(server: InProcess) -> None:
    """3.3.5.2.5"""
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    data = bytes(3 * 65536)
    for charge in (1, 2):
        refused = peer.ask(Command.WRITE, WriteRequest(file_id, data).encode(), session, charge=charge)
        assert refused.status is NTSTATUS.INVALID_PARAMETER
    paid = peer.ask(Command.WRITE, WriteRequest(file_id, data).encode(), session, charge=3)
    assert paid.status is NTSTATUS.SUCCESS


def test_a_large_read_pays_for_what_it_asks_for(server: InProcess) -> None:
    """3.3.5.2.5"""
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    peer.write(session, file_id, b"little")
    asked = ReadRequest(file_id, 65537).encode()
    assert peer.ask(Command.READ, asked, session, charge=1).status is NTSTATUS.INVALID_PARAMETER
    assert peer.ask(Command.READ, asked, session, charge=2).status is NTSTATUS.SUCCESS


def test_a_request_of_n_credits_uses_n_message_ids(server: InProcess) -> None:
    """3.3.5.2.3"""
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    first = peer.message_id
    assert peer.read(session, file_id, 4 * 65536).status is NTSTATUS.END_OF_FILE
    assert peer.message_id == first + 4
    peer.message_id = first + 2
    with pytest.raises(Closed, match="MessageId"):
        peer.ask(Command.ECHO, EMPTY_BODY, session)


def test_before_multi_credit_64_kib_are_the_most(server: InProcess) -> None:
    """3.3.5.2: SMB 2.0.2 has no CreditCharge."""
    peer, session = ready(server, dialects=(0x202,))
    file_id = peer.create(session, "file")
    assert peer.write(session, file_id, bytes(65536)).status is NTSTATUS.SUCCESS
    with pytest.raises(Closed, match="bytes"):
        peer.ask(Command.WRITE, WriteRequest(file_id, bytes(70000)).encode(), session)


def test_a_client_never_runs_dry_and_never_hoards(server: InProcess) -> None:
    """3.3.1.2"""
    peer, session = ready(server)
    limit = server.core.config.limits.max_credits
    held = 0
    for _ in range(300):
        answer = peer.ask(Command.ECHO, EMPTY_BODY, session)
        assert answer.header.credits >= 0
        held += answer.header.credits - 1
        assert held <= limit
    window = next(iter(server.core.sessions.values())).connection.window
    assert 0 < window.available <= limit


def test_a_stranger_gets_few_credits(server: InProcess) -> None:
    """3.3.1.2: each is memory that could be taken."""
    peer = Peer(server.connect())
    assert peer.negotiate().header.credits <= 32


def test_a_finished_answer_does_not_wait_for_one_that_takes_a_while(server: InProcess) -> None:
    """3.3.5.2.7: CREATE, and a CHANGE_NOTIFY on what it opens."""
    peer, session = ready(server)
    options = CreateOptions.DIRECTORY_FILE
    directory = peer.create(session, "dir", options=options)
    peer.ask(Command.CLOSE, CloseRequest(directory).encode(), session)
    file_id = peer.create(session, "dir", options=options)
    sent = peer.message_id
    messages = peer.compound_bytes(
        session,
        [
            (Command.READ, ReadRequest(NO_FILE, 1).encode(), False),
            (Command.CHANGE_NOTIFY, ChangeNotifyRequest(file_id, 1).encode(), False),
        ],
    )
    peer.exchange.send(messages)
    first = split_compound(peer.exchange.receive())[0][0]
    assert (first.message_id, first.status) == (sent, NTSTATUS.FILE_CLOSED)
    interim = peer.next()
    assert (interim.header.message_id, interim.status) == (sent + 1, NTSTATUS.PENDING)
    peer.cancel(session, interim)
    assert peer.next().status is NTSTATUS.CANCELLED


def test_what_follows_a_session_that_is_not_there_has_nothing_to_be_related_to(server: InProcess) -> None:
    """3.3.5.2.7.2"""
    peer, session = ready(server)
    session.id ^= 1
    answers = peer.compound(
        session, [(Command.ECHO, EMPTY_BODY, False), (Command.CLOSE, CloseRequest(NO_FILE).encode(), True)]
    )
    assert [one.status for one in answers] == [NTSTATUS.USER_SESSION_DELETED, NTSTATUS.INVALID_PARAMETER]
