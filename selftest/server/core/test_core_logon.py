"""A log-on is good for as long as it is said to be, for whom it is meant, and ends where its user says so
(MS-SMB2 3.3.5.5, 3.3.5.2.9).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, config, ready
from server.config import Limits, ShareConfig
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.ntlm import NtlmClient
from server.wire.ntlm_messages import Authenticate, NegotiateFlags
from server.wire.readwrite import CloseRequest
from server.wire.session_setup import SessionFlags, SessionSetupRequest, SessionSetupResponse
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS
from server.wire.tree import TreeConnectRequest

SECOND = 1_000_000_000
NOBODY_SIGNS = Signer(SigningAlgorithm.AES_GMAC, bytes(16))


@contextmanager
def serving(tmp_path: Path, **changes: Any) -> Iterator[InProcess]:
    with InProcess(config(tmp_path, **changes)) as running:
        yield running
    assert not running.failures.lines


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, server: InProcess) -> None:
        self.now = server.core.clock()
        server.core.clock = lambda: self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def again(peer: Peer, session: LoggedOn, user: str = "alice", password: str = "secret") -> NTSTATUS:
    """Re-authenticate on that channel."""
    initiator = Initiator(NtlmClient(user, password))
    token = initiator.begin()
    while True:
        body = SessionSetupRequest(token).encode()
        message = peer._message(Command.SESSION_SETUP, body, session_id=session.id, signer=session.signer)
        peer.exchange.send(message)
        answer = peer.next()
        if answer.status is not NTSTATUS.MORE_PROCESSING_REQUIRED:
            return answer.status
        token = initiator.respond(SessionSetupResponse.decode(answer.body).token)


def again_as_nobody(peer: Peer, session: LoggedOn) -> NTSTATUS:
    flags = NegotiateFlags.UNICODE | NegotiateFlags.ANONYMOUS
    nobody = Authenticate.build(
        flags, user="", domain="", workstation="", lm_response=b"\0", nt_response=b"", encrypted_key=b""
    )
    status = NTSTATUS.SUCCESS
    for token in (NtlmClient("", "").negotiate(), nobody.raw):
        body = SessionSetupRequest(token).encode()
        message = peer._message(Command.SESSION_SETUP, body, session_id=session.id, signer=session.signer)
        peer.exchange.send(message)
        status = peer.next().status
    return status


# -- expiry (3.3.5.2.9, 3.3.5.5 item 4)


def test_an_expired_session_serves_close_and_log_off_alone(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(session_time=60.0)) as server:
        clock = Clock(server)
        peer, session = ready(server)
        file_id = peer.create(session, "file")
        clock.advance(59.9)
        assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS
        clock.advance(0.2)
        assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.NETWORK_SESSION_EXPIRED
        assert peer.write(session, file_id, b"late").status is NTSTATUS.NETWORK_SESSION_EXPIRED
        closed = peer.ask(Command.CLOSE, CloseRequest(file_id).encode(), session)
        assert closed.status is NTSTATUS.SUCCESS
        assert peer.ask(Command.LOGOFF, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


def test_who_logs_on_anew_goes_on_with_the_opens_that_there_were(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(session_time=60.0)) as server:
        clock = Clock(server)
        peer, session = ready(server)
        file_id = peer.create(session, "file")
        for _ in range(3):
            clock.advance(61)
            assert peer.write(session, file_id, b"x").status is NTSTATUS.NETWORK_SESSION_EXPIRED
            assert again(peer, session) is NTSTATUS.SUCCESS
            assert peer.write(session, file_id, b"in time").status is NTSTATUS.SUCCESS


def test_an_expired_session_is_not_bound(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(session_time=60.0)) as server:
        clock = Clock(server)
        _, session = ready(server)
        clock.advance(61)
        other = Peer(server.connect())
        other.negotiate()
        assert other.bind(session).status is NTSTATUS.NETWORK_SESSION_EXPIRED


def test_without_a_limit_it_lasts(server: InProcess) -> None:
    clock = Clock(server)
    peer, session = ready(server)
    clock.advance(10 * 365 * 86400)
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


def test_re_authentication_as_somebody_else_ends_the_session(server: InProcess) -> None:
    peer, session = ready(server)
    assert again(peer, session, "bob", "hunter2") is NTSTATUS.ACCESS_DENIED
    assert not server.core.sessions


def test_an_expired_session_is_replaced_too(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(session_time=60.0)) as server:
        clock = Clock(server)
        _, session = ready(server)
        clock.advance(61)
        anew = Peer(server.connect())
        anew.negotiate()
        anew.log_on(previous=session.id)
        assert session.id not in server.core.sessions


# -- nobody and guests (3.3.5.5.3)


def unproven(server: InProcess, user: str) -> tuple[Peer, LoggedOn | None, NTSTATUS, SessionFlags]:
    """Log on as one whose key the server has not: nothing can be signed."""
    peer = Peer(server.connect())
    peer.negotiate()
    initiator = Initiator(NtlmClient(user, "whatever"))
    token, session_id = initiator.begin(), 0
    while True:
        body = SessionSetupRequest(token).encode()
        answer = peer.ask(
            Command.SESSION_SETUP,
            body,
            LoggedOn(session_id, NOBODY_SIGNS) if session_id else None,
            signed=False,
        )
        if answer.status is not NTSTATUS.MORE_PROCESSING_REQUIRED:
            break
        session_id = answer.header.session_id
        token = initiator.respond(SessionSetupResponse.decode(answer.body).token)
    if answer.status is not NTSTATUS.SUCCESS:
        return peer, None, answer.status, SessionFlags.NONE
    flags = SessionSetupResponse.decode(answer.body).flags
    return peer, LoggedOn(session_id, NOBODY_SIGNS), answer.status, flags


def test_guests_are_refused_unless_allowed(server: InProcess) -> None:
    _, _, status, _ = unproven(server, "stranger")
    assert status is NTSTATUS.LOGON_FAILURE


def test_a_guest_gets_to_the_shares_for_guests_alone(tmp_path: Path) -> None:
    root = str(tmp_path / "share")
    shares = (ShareConfig("data", root), ShareConfig("public", root, guests=True))
    with serving(tmp_path, guests=True, shares=shares) as server:
        peer, session, _, flags = unproven(server, "stranger")
        assert session is not None
        assert flags == SessionFlags.IS_GUEST
        assert _tree(peer, session, "data") is NTSTATUS.ACCESS_DENIED
        assert _tree(peer, session, "public") is NTSTATUS.SUCCESS
        assert _tree(peer, session, "IPC$") is NTSTATUS.SUCCESS


def test_a_wrong_password_makes_nobody_a_guest(tmp_path: Path) -> None:
    with serving(tmp_path, guests=True) as server:
        _, _, status, _ = unproven(server, "alice")
        assert status is NTSTATUS.LOGON_FAILURE


def test_a_guests_session_is_not_bound(tmp_path: Path) -> None:
    with serving(tmp_path, guests=True) as server:
        _, session, _, _ = unproven(server, "stranger")
        assert session is not None
        other = Peer(server.connect())
        other.negotiate()
        assert other.bind(session).status is NTSTATUS.NOT_SUPPORTED


def _tree(peer: Peer, session: LoggedOn, share: str) -> NTSTATUS:
    body = TreeConnectRequest(f"\\\\server\\{share}").encode()
    return peer.ask(Command.TREE_CONNECT, body, session, signed=False).status


# -- limits


def test_more_sessions_than_there_may_be(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(max_sessions=2)) as server:
        peer, session = ready(server)
        ready(server)
        third = Peer(server.connect())
        third.negotiate()
        assert third.authenticate()[1].status is NTSTATUS.INSUFFICIENT_RESOURCES
        peer.ask(Command.LOGOFF, EMPTY_BODY, session)
        assert third.authenticate()[1].status is NTSTATUS.SUCCESS


def test_more_opens_than_there_may_be(tmp_path: Path) -> None:
    with serving(tmp_path, limits=Limits(max_opens=2)) as server:
        peer, session = ready(server)
        opened = [peer.create(session, f"file{number}") for number in range(2)]
        assert peer.try_create(session, "one more").status is NTSTATUS.INSUFFICIENT_RESOURCES
        peer.ask(Command.CLOSE, CloseRequest(opened[0]).encode(), session)
        assert peer.try_create(session, "one more").status is NTSTATUS.SUCCESS


def test_a_session_may_go_on_without_a_name_and_only_its_user_takes_it_up_again(tmp_path: Path) -> None:
    with InProcess(config(tmp_path, anonymous=True)) as server:
        peer, session = ready(server)
        file_id = peer.create(session, "file")
        assert again_as_nobody(peer, session) is NTSTATUS.SUCCESS
        assert peer.write(session, file_id, b"what is open stays so").status is NTSTATUS.SUCCESS
        assert peer.try_create(session, "file").status is NTSTATUS.ACCESS_DENIED
        assert again(peer, session) is NTSTATUS.SUCCESS
        assert peer.try_create(session, "file").status is NTSTATUS.SUCCESS
        assert again_as_nobody(peer, session) is NTSTATUS.SUCCESS
        assert again(peer, session, "bob", "hunter2") is NTSTATUS.ACCESS_DENIED
