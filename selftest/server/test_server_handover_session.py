"""Handed over at session setup: a connection comes, as it was negotiated, to the process that has its session."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selftest.support.processes import datagram_waits
from selftest.support.smb_peer import Closed, OverTcp, Peer
from selftest.support.smb_server import Running
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.ntlm import NtlmClient
from server.wire.session_setup import SessionSetupRequest, SetupFlags
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS

Dial = Callable[[uuid.UUID], Peer]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "share", "--handover", "session") as server:
        yield server


@pytest.fixture
def dial(running: Running) -> Iterator[Dial]:
    exchanges: list[OverTcp] = []

    def one(guid: uuid.UUID) -> Peer:
        exchanges.append(OverTcp("127.0.0.1", running.port))
        peer = Peer(exchanges[-1], guid)
        assert peer.negotiate().status is NTSTATUS.SUCCESS
        return peer

    yield one
    for exchange in exchanges:
        exchange.close()


def negotiator(running: Running) -> str:
    """The process that has answered the next Negotiate."""
    ready = running.wait_for("connection-ready")
    assert ready["passed"] == "False"
    return ready["pid"]


def token() -> bytes:
    """The first of a log-on."""
    return Initiator(NtlmClient("alice", "secret")).begin()


def test_a_bind_brings_the_connection_to_the_process_of_the_session(running: Running, dial: Dial) -> None:
    guid = uuid.uuid4()
    first = dial(guid)
    owner = negotiator(running)
    session = first.log_on()
    first.tree_connect(session)
    file_id = first.create(session, "film")
    others = []
    for _ in range(3):
        other = dial(guid)
        negotiated_by = negotiator(running)
        assert negotiated_by != owner
        assert other.ask(Command.ECHO, EMPTY_BODY).status is NTSTATUS.SUCCESS
        assert other.bind(session).status is NTSTATUS.SUCCESS
        passed = running.wait_for("connection-passed", owned="True")
        assert (passed["from_pid"], passed["to_pid"]) == (negotiated_by, owner)
        others.append(other)
    others[2].write(others[2].bound, file_id, b"through the fourth channel")
    assert others[0].content(others[0].bound, file_id, 100) == b"through the fourth channel"


def test_a_client_logs_on_anew_where_its_sessions_are(running: Running, dial: Dial) -> None:
    guid = uuid.uuid4()
    first, second, stranger = dial(guid), dial(guid), dial(uuid.uuid4())
    pids = [first.log_on() and running.wait_for("session-opened")["pid"] for _ in range(1)]
    for peer in (second, stranger):
        assert peer.log_on("bob").id
        pids.append(running.wait_for("session-opened")["pid"])
    assert pids[0] == pids[1] != pids[2]


def test_log_ons_that_come_at_once_still_find_one_owner(running: Running, dial: Dial) -> None:
    guid = uuid.uuid4()
    peers = [dial(guid) for _ in range(8)]
    assert len({negotiator(running) for _ in peers}) > 1
    for peer in peers:
        peer.exchange.send(peer._message(Command.SESSION_SETUP, SessionSetupRequest(token()).encode()))
    for peer in peers:
        assert peer.next().status is NTSTATUS.MORE_PROCESSING_REQUIRED
    assert len({running.wait_for("connection-passed", owned="True")["to_pid"] for _ in peers[1:]}) == 1


@pytest.mark.parametrize("bound", [False, True])
def test_an_owner_that_is_killed_while_a_connection_waits_for_it_loses_nothing(
    running: Running, dial: Dial, bound: bool
) -> None:
    guid = uuid.uuid4()
    first = dial(guid)
    session = first.log_on()
    owner = int(running.wait_for("session-opened")["pid"])
    second = dial(guid)
    os.kill(owner, signal.SIGSTOP)  # it will be sent the connection, and never look at it
    asked = SessionSetupRequest(token(), flags=SetupFlags.BINDING if bound else SetupFlags(0)).encode()
    about = {"session_id": session.id, "signer": session.signer} if bound else {}
    second.exchange.send(second._message(Command.SESSION_SETUP, asked, **about))  # type: ignore[arg-type]
    datagram_waits(owner, "/post/")
    os.kill(owner, signal.SIGKILL)
    answer = second.next()
    if bound:
        assert answer.status is NTSTATUS.USER_SESSION_DELETED, "it went with its process"
    else:
        assert answer.status is NTSTATUS.MORE_PROCESSING_REQUIRED, "by a new owner"
    assert isinstance(second.exchange, OverTcp)
    second.exchange.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        second.exchange.receive()  # one answer, not two
    second.exchange.socket.settimeout(10)
    with pytest.raises(Closed):
        first.ask(Command.ECHO, EMPTY_BODY)
    assert dial(guid).log_on().id
    assert int(running.wait_for("session-opened")["pid"]) != owner


def test_not_a_byte_after_the_session_setup_is_lost(running: Running, dial: Dial) -> None:
    """A client does not send before the answer; if one does, its bytes come along."""
    guid = uuid.uuid4()
    first, second = dial(guid), dial(guid)
    first.log_on()
    setup = second._message(Command.SESSION_SETUP, SessionSetupRequest(token()).encode())
    echoes = [second._message(Command.ECHO, EMPTY_BODY) for _ in range(20)]
    assert isinstance(second.exchange, OverTcp)
    second.exchange.socket.sendall(
        b"".join(len(pdu).to_bytes(4, "big") + pdu for pdu in (setup, *echoes)) + b"\0\0"
    )
    assert second.next().status is NTSTATUS.MORE_PROCESSING_REQUIRED
    last = second._message(Command.ECHO, EMPTY_BODY)
    second.exchange.socket.sendall(len(last).to_bytes(4, "big")[2:] + last)
    for _ in range(21):
        assert second.next().header.command is Command.ECHO
    assert running.wait_for("connection-passed", owned="True")


def test_whoever_has_handed_its_connection_over_takes_the_next_one(running: Running, dial: Dial) -> None:
    guid = uuid.uuid4()
    first = dial(guid)
    owner = negotiator(running)
    session = first.log_on()
    seen = []
    for _ in range(12):
        other = dial(guid)
        seen.append(negotiator(running))
        assert other.bind(session).status is NTSTATUS.SUCCESS
        running.wait_for("connection-passed", owned="True")
    assert owner not in seen
    assert len(set(seen)) <= 5, "no process for each connection"


def test_a_session_of_another_client_cannot_be_bound(running: Running, dial: Dial) -> None:
    session = dial(uuid.uuid4()).log_on()
    stranger = dial(uuid.uuid4())
    assert stranger.bind(session).status is NTSTATUS.USER_SESSION_DELETED
    assert stranger.log_on("bob").id, "the connection is as good as before"


def test_a_connection_that_has_moved_counts_until_it_ends(tmp_path: Path) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text("[limits]\nmax_connections = 2\n")
    with Running(tmp_path / "share", "--handover", "session", "--config", str(settings)) as server:
        guid = uuid.uuid4()
        session = None
        for round_ in range(3):
            exchange = OverTcp("127.0.0.1", server.port)
            peer = Peer(exchange, guid)
            peer.negotiate()
            if session is None:
                session, first = peer.log_on(), exchange
                continue
            assert peer.bind(session).status is NTSTATUS.SUCCESS, f"connection {round_}"
            refused = OverTcp("127.0.0.1", server.port)
            with pytest.raises((Closed, OSError)):
                Peer(refused, guid).negotiate()
            refused.close()
            exchange.close()
            server.wait_for("connection-closed")
        first.close()
