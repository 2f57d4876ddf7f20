"""Who may do what: log-on, signatures, log-off, and the refusals on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selftest.support.smb_peer import GUID, Closed, InProcess, Peer, ready
from server.wire.header import Command, Flags, Header
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Dialect, NegotiateResponse
from server.wire.negotiate_contexts import PreauthIntegrity, find
from server.wire.ntlm import NtlmClient
from server.wire.session_setup import SessionSetupRequest, SessionSetupResponse
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.smb1 import MultiProtocolNegotiate
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS
from server.wire.tree import TreeConnectRequest


def peer_of(server: InProcess) -> Peer:
    return Peer(server.connect())


@pytest.mark.parametrize("dialect", [0x202, 0x210, 0x300, 0x302, 0x311])
def test_every_dialect_logs_on_and_signs(server: InProcess, dialect: int) -> None:
    peer, session = ready(server, dialects=(dialect,))
    assert peer.dialect == dialect
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_every_signing_algorithm_of_311(server: InProcess, algorithm: SigningAlgorithm) -> None:
    peer, session = ready(server, signing=(algorithm,))
    assert peer.signing is algorithm
    answer = peer.ask(Command.ECHO, EMPTY_BODY, session)
    assert answer.header.flags & Flags.SIGNED


def test_the_greatest_common_dialect_is_chosen(server: InProcess) -> None:
    peer = peer_of(server)
    peer.negotiate((0x202, 0x311, 0x302, 0x9999))
    assert peer.dialect is Dialect.SMB_3_1_1


def test_a_salt_is_never_used_twice(server: InProcess) -> None:
    salts = set()
    for _ in range(4):
        terms = NegotiateResponse.decode(peer_of(server).negotiate().body)
        preauth = find(terms.contexts, PreauthIntegrity)
        assert preauth is not None
        salts.add(preauth.salt)
    assert len(salts) == 4


def test_no_common_dialect_is_refused(server: InProcess) -> None:
    assert peer_of(server).negotiate((0x9999,)).status is NTSTATUS.NOT_SUPPORTED


def test_no_dialect_at_all_is_refused(server: InProcess) -> None:
    assert peer_of(server).negotiate(()).status is NTSTATUS.INVALID_PARAMETER


def test_a_second_negotiate_ends_the_connection(server: InProcess) -> None:
    peer = peer_of(server)
    peer.negotiate()
    with pytest.raises(Closed, match="second NEGOTIATE"):
        peer.negotiate()


def test_nothing_is_served_before_negotiate(server: InProcess) -> None:
    with pytest.raises(Closed, match="before NEGOTIATE"):
        peer_of(server).ask(Command.ECHO, EMPTY_BODY)


def test_a_client_of_smb1_and_smb2_is_asked_to_negotiate_again(server: InProcess) -> None:
    peer = peer_of(server)
    peer.exchange.send(MultiProtocolNegotiate(("NT LM 0.12", "SMB 2.002", "SMB 2.???")).encode())
    assert NegotiateResponse.decode(peer.exchange.receive()[64:]).dialect is Dialect.WILDCARD
    peer.message_id = 1
    assert peer.negotiate().status is NTSTATUS.SUCCESS
    peer.log_on()


def test_a_client_of_smb1_alone_is_not_served(server: InProcess) -> None:
    peer = peer_of(server)
    peer.exchange.send(MultiProtocolNegotiate(("NT LM 0.12",)).encode())
    with pytest.raises(Closed, match="SMB1 alone"):
        peer.exchange.receive()


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("bob", "secret")])
def test_a_wrong_password_opens_nothing(server: InProcess, user: str, password: str) -> None:
    peer = peer_of(server)
    peer.negotiate()
    _, answer = peer.authenticate(user, password)
    assert answer.status is NTSTATUS.LOGON_FAILURE
    assert not server.core.sessions


def test_an_unsigned_request_of_a_signed_session_is_refused(server: InProcess) -> None:
    peer, session = ready(server)
    assert peer.ask(Command.ECHO, EMPTY_BODY, session, signed=False).status is NTSTATUS.ACCESS_DENIED


def test_a_wrong_signature_is_refused_and_the_session_lives(server: InProcess) -> None:
    peer, session = ready(server)
    right, session.signer = session.signer, Signer(session.signer.algorithm, bytes(16))
    message = peer._message(Command.ECHO, EMPTY_BODY, session_id=session.id, signer=session.signer)
    peer.exchange.send(message)
    assert Header.decode(peer.exchange.receive()).status == NTSTATUS.ACCESS_DENIED
    session.signer = right
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


def test_an_unsigned_tree_connect_of_311_ends_the_connection(server: InProcess) -> None:
    server.core.config = replace(server.core.config, signing_required=False)
    peer = peer_of(server)
    peer.negotiate()
    session = peer.log_on()
    with pytest.raises(Closed, match="neither signed nor encrypted"):
        peer.ask(Command.TREE_CONNECT, TreeConnectRequest("\\\\s\\data").encode(), session, signed=False)


def test_log_off_ends_the_session_and_says_so_signed(server: InProcess) -> None:
    peer, session = ready(server)
    peer.create(session, "file")
    assert peer.ask(Command.LOGOFF, EMPTY_BODY, session).header.flags & Flags.SIGNED
    refused = peer.ask(Command.ECHO, EMPTY_BODY, session)
    assert refused.status is NTSTATUS.USER_SESSION_DELETED
    assert refused.header.flags & Flags.SIGNED, "clients do not believe an unsigned one"
    assert not server.core.sessions
    assert not server.core.opens
    assert server.events.kinds() == ["session-opened", "session-closed"]


def test_a_new_log_on_replaces_the_session_it_names(server: InProcess) -> None:
    peer, session = ready(server)
    again = peer_of(server)
    again.negotiate()
    again.log_on(previous=session.id)
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.USER_SESSION_DELETED


def test_another_user_cannot_replace_it(server: InProcess) -> None:
    peer, session = ready(server)
    other = peer_of(server)
    other.negotiate()
    other.log_on("bob", previous=session.id)
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


def test_re_authentication_keeps_keys_trees_and_opens(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    assert _again(peer, session.id, session.signer, "alice") is NTSTATUS.SUCCESS
    assert peer.write(session, file_id, b"still open").status is NTSTATUS.SUCCESS


def test_a_failed_re_authentication_ends_the_session(server: InProcess) -> None:
    peer, session = ready(server)
    assert _again(peer, session.id, session.signer, "alice", "wrong") is NTSTATUS.LOGON_FAILURE
    assert not server.core.sessions


def _again(peer: Peer, session_id: int, signer: Signer, user: str, password: str | None = None) -> NTSTATUS:
    """Re-authentication: no new keys come of it, so `authenticate` cannot check the last signature."""
    initiator = Initiator(NtlmClient(user, password or "secret"))
    token = initiator.begin()
    while True:
        body = SessionSetupRequest(token).encode()
        peer.exchange.send(peer._message(Command.SESSION_SETUP, body, session_id=session_id, signer=signer))
        answer = peer._answer()
        if answer.status is not NTSTATUS.MORE_PROCESSING_REQUIRED:
            return answer.status
        token = initiator.respond(SessionSetupResponse.decode(answer.body).token)


def test_a_message_id_that_was_not_granted_ends_the_connection(server: InProcess) -> None:
    peer, session = ready(server)
    peer.message_id += 100_000
    with pytest.raises(Closed, match="MessageId"):
        peer.ask(Command.ECHO, EMPTY_BODY, session)


def test_clients_are_known_by_their_guid_while_they_are_connected(server: InProcess) -> None:
    ready(server)
    assert list(server.core.clients) == [GUID]
    server.core.lost(next(iter(server.core.clients[GUID].connections.values())))
    assert not server.core.clients
