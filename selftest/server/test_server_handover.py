"""One client, one process: every connection reaches the owner of its ClientGUID, whoever dies on the way."""

from __future__ import annotations

import os
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.processes import datagram_waits
from selftest.support.smb_peer import Closed, OverTcp, Peer
from selftest.support.smb_server import Running, comm, family
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Dialect, NegotiateResponse
from server.wire.smb1 import MultiProtocolNegotiate
from server.wire.status import NTSTATUS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path / "share") as server:
        yield server


def connect(running: Running, guid: uuid.UUID) -> Peer:
    peer = Peer(OverTcp("127.0.0.1", running.port), guid)
    assert peer.negotiate().status is NTSTATUS.SUCCESS
    return peer


def close(*peers: Peer) -> None:
    for peer in peers:
        assert isinstance(peer.exchange, OverTcp)
        peer.exchange.close()


def test_all_connections_of_a_client_are_answered_by_one_process(running: Running) -> None:
    guid = uuid.uuid4()
    first = connect(running, guid)
    owner = running.wait_for("connection-ready")
    assert owner["passed"] == "False"
    session = first.log_on()
    first.tree_connect(session)
    file_id = first.create(session, "film")
    others = []
    for _ in range(3):
        other = connect(running, guid)
        passed = running.wait_for("connection-passed", owned="True")
        ready = running.wait_for("connection-ready")
        assert (ready["pid"], ready["passed"]) == (owner["pid"], "True")
        assert passed["from_pid"] == str(running.process.pid) != passed["to_pid"] == owner["pid"]
        assert other.bind(session).status is NTSTATUS.SUCCESS
        others.append(other)
    others[2].write(others[2].bound, file_id, b"through the fourth channel")
    assert others[0].content(others[0].bound, file_id, 100) == b"through the fourth channel"
    close(first, *others)


def test_two_clients_have_two_processes(running: Running) -> None:
    one, two = connect(running, uuid.uuid4()), connect(running, uuid.uuid4())
    pids = {running.wait_for("connection-ready")["pid"] for _ in range(2)}
    assert len(pids) == 2
    close(one, two)


def test_connections_that_come_at_once_still_find_one_owner(running: Running) -> None:
    guid = uuid.uuid4()
    peers = [Peer(OverTcp("127.0.0.1", running.port), guid) for _ in range(12)]
    for peer in peers:
        peer.exchange.send(first_negotiate(guid))
    for peer in peers:
        assert NegotiateResponse.decode(peer._answer().body).dialect is Dialect.SMB_3_1_1
    assert len({running.wait_for("connection-ready")["pid"] for _ in peers}) == 1
    close(*peers)


def first_negotiate(guid: uuid.UUID) -> bytes:
    """The bytes of a NEGOTIATE, to be sent without waiting for the answer."""
    sent: list[bytes] = []

    class Kept:
        def send(self, pdu: bytes) -> None:
            sent.append(pdu)

        def receive(self) -> bytes:
            raise Closed

    with pytest.raises(Closed):
        Peer(Kept(), guid).negotiate()
    return sent[0]


def test_a_client_without_guid_gets_a_process_of_its_own(running: Running) -> None:
    peer = Peer(OverTcp("127.0.0.1", running.port))
    peer.negotiate((0x202,))
    peer.log_on()
    ready = running.wait_for("connection-ready")
    assert ready["client_guid"] == str(uuid.UUID(int=0))
    close(peer)
    assert running.wait_for("process-ended", pid=ready["pid"])["status"] == "0", (
        "nobody else can be sent to it"
    )


def test_a_multi_protocol_negotiate_leads_to_the_same_process(running: Running) -> None:
    guid = uuid.uuid4()
    first = connect(running, guid)
    owner = running.wait_for("connection-ready")["pid"]
    peer = Peer(OverTcp("127.0.0.1", running.port), guid)
    peer.exchange.send(MultiProtocolNegotiate(("NT LM 0.12", "SMB 2.002", "SMB 2.???")).encode())
    assert NegotiateResponse.decode(peer.exchange.receive()[64:]).dialect is Dialect.WILDCARD
    peer.message_id = 1
    assert peer.negotiate().status is NTSTATUS.SUCCESS
    assert running.wait_for("connection-ready")["pid"] == owner
    assert peer.ask(Command.ECHO, EMPTY_BODY).status is NTSTATUS.SUCCESS
    close(first, peer)


def test_an_owner_that_was_killed_is_replaced(running: Running) -> None:
    guid = uuid.uuid4()
    first = connect(running, guid)
    owner = int(running.wait_for("connection-ready")["pid"])
    os.kill(owner, signal.SIGKILL)
    with pytest.raises(Closed):
        first.ask(Command.ECHO, EMPTY_BODY)
    again = connect(running, guid)
    ready = running.wait_for("connection-ready")
    assert (ready["passed"], ready["pid"] != str(owner)) == ("False", True)
    assert again.log_on().id
    close(first, again)


def test_an_owner_that_is_killed_while_a_connection_waits_for_it_loses_nothing(running: Running) -> None:
    guid = uuid.uuid4()
    first = connect(running, guid)
    owner = int(running.wait_for("connection-ready")["pid"])
    os.kill(owner, signal.SIGSTOP)  # it will be sent the connection, and never look at it
    second = Peer(OverTcp("127.0.0.1", running.port), guid)
    second.exchange.send(first_negotiate(guid))
    datagram_waits(owner, "/post/")
    os.kill(owner, signal.SIGKILL)
    answer = second._answer()
    assert answer.status is NTSTATUS.SUCCESS, "the other owner's answer, on the same connection"
    assert running.wait_for("connection-ready")["pid"] != str(owner)
    assert isinstance(second.exchange, OverTcp)
    second.exchange.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        second.exchange.receive()  # one answer, not two
    close(first, second)


def test_workers_come_from_a_pool_that_is_ready(running: Running) -> None:
    """With whoever forks them stopped, two clients are served at once, and the third when it goes on."""
    zygote = next(pid for pid in family(running.process.pid) if comm(pid) == "smb-zygote")
    os.kill(zygote, signal.SIGSTOP)
    try:
        ready = [connect(running, uuid.uuid4()) for _ in range(2)]
        third = Peer(OverTcp("127.0.0.1", running.port), uuid.uuid4())
        assert isinstance(third.exchange, OverTcp)
        third.exchange.send(first_negotiate(third.guid))
        running.wait_for("connection-accepted")
        third.exchange.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            third.exchange.receive()
    finally:
        os.kill(zygote, signal.SIGCONT)
    third.exchange.socket.settimeout(10)
    assert third._answer().status is NTSTATUS.SUCCESS
    close(*ready, third)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\5hello", b"\0\xff\xff\xff", b"\x85\0\0\1x"]
)
def test_what_is_no_negotiate_is_dropped_before_it_reaches_a_worker(running: Running, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.port), 10) as stranger:
        stranger.sendall(garbage)
        assert stranger.recv(100) == b""
    assert running.wait_for("connection-closed")["pid"] == str(running.process.pid)
    close(connect(running, uuid.uuid4()))


def test_not_a_byte_after_the_negotiate_is_lost(running: Running) -> None:
    """A client does not send before the answer; if one does, its bytes are there for the owner."""
    guid = uuid.uuid4()
    peer = Peer(OverTcp("127.0.0.1", running.port), guid)
    peer.message_id = 1
    echo = peer._message(Command.ECHO, EMPTY_BODY)
    negotiate = first_negotiate(guid)
    assert isinstance(peer.exchange, OverTcp)
    peer.exchange.socket.sendall(b"".join(len(pdu).to_bytes(4, "big") + pdu for pdu in (negotiate, echo)))
    assert peer._answer().status is NTSTATUS.SUCCESS
    assert peer._answer().header.command is Command.ECHO
    close(peer)
