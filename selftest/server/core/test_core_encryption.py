"""What has to be encrypted is refused otherwise, and an answer to an encrypted request is encrypted (MS-SMB2 3.3.5.2.1.1,
3.3.5.2.9, 3.3.5.2.11, 3.3.4.1.4).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftest.support.smb_peer import Closed, InProcess, LoggedOn, Peer, config, ready, second_channel
from server.config import Encryption, ShareConfig
from server.wire.encryption import Envelope, TransformHeader
from server.wire.header import Command, Flags, Header, split_compound
from server.wire.keys import EncryptionKeys
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Capabilities, NegotiateResponse
from server.wire.negotiate_contexts import Cipher, find
from server.wire.negotiate_contexts import Encryption as EncryptionContext
from server.wire.readwrite import ReadRequest, ReadResponse, WriteRequest
from server.wire.session_setup import SessionFlags, SessionSetupResponse
from server.wire.status import NTSTATUS
from server.wire.tree import ShareFlags, TreeConnectRequest, TreeConnectResponse

GCM, CCM = Cipher.AES_128_GCM, Cipher.AES_128_CCM
CIPHERS = [cipher for cipher in Cipher if cipher is not Cipher.NONE]


@contextmanager
def serving(tmp_path: Path, **changes: Any) -> Iterator[InProcess]:
    with InProcess(config(tmp_path, **changes)) as running:
        yield running
    assert not running.failures.lines


def echo(peer: Peer, session: LoggedOn, **about: Any) -> NTSTATUS:
    return peer.ask(Command.ECHO, EMPTY_BODY, session, **about).status


# -- negotiation (3.3.5.4)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_cipher_of_311(server: InProcess, cipher: Cipher) -> None:
    peer, session = ready(server, ciphers=(cipher,))
    assert peer.cipher is cipher
    assert echo(peer, session, encrypted=True) is NTSTATUS.SUCCESS


@pytest.mark.parametrize("dialect", [0x300, 0x302])
def test_30_encrypts_with_ccm_by_capability(server: InProcess, dialect: int) -> None:
    peer, session = ready(server, dialects=(dialect,), ciphers=(CCM,))
    assert peer.cipher is CCM
    assert echo(peer, session, encrypted=True) is NTSTATUS.SUCCESS
    without, _ = ready(server, dialects=(dialect,))
    assert without.cipher is Cipher.NONE


def test_the_servers_order_decides(tmp_path: Path) -> None:
    with serving(tmp_path, ciphers=("AES-256-CCM", "AES-128-GCM")) as server:
        peer, _ = ready(server, ciphers=(CCM, GCM, Cipher.AES_256_CCM))
        assert peer.cipher is Cipher.AES_256_CCM


def test_none_in_common_is_said_so(tmp_path: Path) -> None:
    with serving(tmp_path, ciphers=("AES-128-GCM",)) as server:
        terms = NegotiateResponse.decode(Peer(server.connect()).negotiate(ciphers=(CCM, 99)).body)
        assert find(terms.contexts, EncryptionContext) == EncryptionContext((Cipher.NONE,))
        thirty = Peer(server.connect())
        told = NegotiateResponse.decode(thirty.negotiate((0x302,), ciphers=(CCM,)).body)
        assert not told.capabilities & Capabilities.ENCRYPTION, "3.0 has CCM alone, which is not served"


def test_a_server_that_does_not_encrypt_offers_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, encryption=Encryption.OFF) as server:
        terms = NegotiateResponse.decode(Peer(server.connect()).negotiate(ciphers=CIPHERS).body)
        assert find(terms.contexts, EncryptionContext) is None
        peer, _ = ready(server, guid=uuid.UUID(int=9), dialects=(0x300,), ciphers=(CCM,))
        assert peer.cipher is Cipher.NONE


# -- sessions (3.3.5.5, 3.3.5.2.9)


def flags_of(peer: Peer) -> tuple[LoggedOn, SessionFlags]:
    session, answer = peer.authenticate()
    assert session is not None
    return session, SessionSetupResponse.decode(answer.body).flags


def test_a_session_that_must_be_encrypted_refuses_plain_requests_in_encrypted_answers(tmp_path: Path) -> None:
    with serving(tmp_path, encryption=Encryption.REQUIRED) as server:
        peer = Peer(server.connect())
        peer.negotiate(ciphers=(GCM,))
        session, flags = flags_of(peer)
        assert flags & SessionFlags.ENCRYPT_DATA
        peer.exchange.send(
            peer._message(Command.ECHO, EMPTY_BODY, session_id=session.id, signer=session.signer)
        )
        refusal = Header.decode(session.need_envelope().open(peer.exchange.receive()))
        assert refusal.status == NTSTATUS.ACCESS_DENIED
        assert echo(peer, session, encrypted=True) is NTSTATUS.SUCCESS


def test_a_client_that_cannot_encrypt_is_not_let_in_where_it_must(tmp_path: Path) -> None:
    with serving(tmp_path, encryption=Encryption.REQUIRED) as server:
        peer = Peer(server.connect())
        peer.negotiate()
        _, answer = peer.authenticate()
        assert answer.status is NTSTATUS.ACCESS_DENIED
        assert not server.core.sessions


def test_where_it_is_desired_either_is_served(tmp_path: Path) -> None:
    with serving(tmp_path, encryption=Encryption.DESIRED) as server:
        peer = Peer(server.connect())
        peer.negotiate(ciphers=(GCM,))
        session, flags = flags_of(peer)
        assert flags & SessionFlags.ENCRYPT_DATA
        assert echo(peer, session, encrypted=True) is NTSTATUS.SUCCESS
        plain = Peer(server.connect())
        plain.negotiate()
        session, flags = flags_of(plain)
        assert not flags & SessionFlags.ENCRYPT_DATA
        assert echo(plain, session) is NTSTATUS.SUCCESS


def test_a_plain_request_of_a_session_with_keys_is_answered_plain(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    assert echo(peer, session) is NTSTATUS.SUCCESS


def test_an_encrypted_request_needs_no_signature_and_its_answer_has_none(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    answer = peer.ask(Command.ECHO, EMPTY_BODY, session, encrypted=True)
    assert not answer.header.flags & Flags.SIGNED
    assert answer.header.signature == bytes(16)


def test_tree_connect_of_311_may_be_encrypted_instead_of_signed(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    body = TreeConnectRequest("\\\\s\\data").encode()
    assert peer.ask(Command.TREE_CONNECT, body, session, encrypted=True).status is NTSTATUS.SUCCESS


def test_log_off_is_answered_encrypted(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    assert peer.ask(Command.LOGOFF, EMPTY_BODY, session, encrypted=True).status is NTSTATUS.SUCCESS
    with pytest.raises(Closed, match="no keys here"):
        echo(peer, session, encrypted=True)


# -- shares (3.3.5.7, 3.3.5.2.11)


def private(tmp_path: Path) -> dict[str, Any]:
    return {"shares": (ShareConfig("data", str(tmp_path / "share"), encrypt=True),)}


def test_a_share_that_must_be_encrypted(tmp_path: Path) -> None:
    with serving(tmp_path, **private(tmp_path)) as server:
        peer = Peer(server.connect())
        peer.negotiate(ciphers=(GCM,))
        session = peer.log_on()
        answer = peer.tree_connect(session)
        assert TreeConnectResponse.decode(answer.body).share_flags & ShareFlags.ENCRYPT_DATA
        peer.exchange.send(
            peer._message(
                *(Command.TREE_DISCONNECT, EMPTY_BODY),
                session_id=session.id,
                tree_id=session.tree,
                signer=session.signer,
            )
        )
        refusal = Header.decode(session.need_envelope().open(peer.exchange.receive()))
        assert refusal.status == NTSTATUS.ACCESS_DENIED
        disconnected = peer.ask(Command.TREE_DISCONNECT, EMPTY_BODY, session, encrypted=True)
        assert disconnected.status is NTSTATUS.SUCCESS


def test_it_is_not_for_sessions_that_cannot_encrypt(tmp_path: Path) -> None:
    with serving(tmp_path, **private(tmp_path)) as server:
        peer = Peer(server.connect())
        peer.negotiate()
        assert peer.tree_connect(peer.log_on()).status is NTSTATUS.ACCESS_DENIED


# -- messages (3.3.5.2.1.1)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_mebibyte_there_and_back(server: InProcess, cipher: Cipher) -> None:
    peer, session = ready(server, ciphers=(cipher,))
    file_id = peer.create(session, "file")
    data = bytes(range(256)) * 4096
    for _ in range(4):  # credits for it
        echo(peer, session, encrypted=True)
    written = peer.write(session, file_id, data, encrypted=True)
    assert written.status is NTSTATUS.SUCCESS
    answer = peer.ask(
        Command.READ, ReadRequest(file_id, len(data), 0).encode(), session, charge=16, encrypted=True
    )
    assert ReadResponse.decode(answer.body).data == data


def test_a_compound_shares_one_envelope(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    file_id = peer.create(session, "file")
    first = peer._message(
        *(Command.WRITE, WriteRequest(file_id, b"x" * 48, 0).encode()),
        session_id=session.id,
        tree_id=session.tree,
        next_command=64 + 96,
    )
    second = peer._message(
        *(Command.READ, ReadRequest(file_id, 48, 0).encode()),
        session_id=session.id,
        tree_id=session.tree,
        flags=Flags.RELATED_OPERATIONS,
    )
    assert len(first) == 64 + 96
    envelope = session.need_envelope()
    peer.exchange.send(b"".join(envelope.seal(first + second))[4:])
    answers = split_compound(envelope.open(peer.exchange.receive()))
    assert [header.status for header, _ in answers] == [NTSTATUS.SUCCESS] * 2
    assert bytes(ReadResponse.decode(answers[1][1][64:]).data) == b"x" * 48


def test_the_keys_of_the_session_hold_on_every_channel_and_no_nonce_comes_twice(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    other, there = second_channel(server, session, ciphers=(GCM,))
    envelope, nonces = session.need_envelope(), set()
    for turn in range(20):
        channel = (peer, other)[turn % 2]
        message = channel._message(Command.ECHO, EMPTY_BODY, session_id=there.id)
        channel.exchange.send(b"".join(envelope.seal(message))[4:])
        pdu = channel.exchange.receive()
        nonces.add(TransformHeader.decode(pdu).nonce)
        assert Header.decode(envelope.open(pdu)).status == NTSTATUS.SUCCESS
    assert len(nonces) == 20


def test_another_cipher_does_not_bind(server: InProcess) -> None:
    _, session = ready(server, ciphers=(GCM,))
    other = Peer(server.connect())
    other.negotiate(ciphers=(CCM,))
    assert other.bind(session).status is NTSTATUS.INVALID_PARAMETER


def test_a_channel_that_is_not_bound_has_no_keys(server: InProcess) -> None:
    _, session = ready(server, ciphers=(GCM,))
    stranger = Peer(server.connect())
    stranger.negotiate(ciphers=(GCM,))
    with pytest.raises(Closed, match="no keys here"):
        echo(stranger, session, encrypted=True)


def test_a_wrong_key_ends_the_connection(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    wrong = Envelope.of_client(GCM, session.id, EncryptionKeys(bytes(16), bytes(16)))
    peer.exchange.send(
        b"".join(wrong.seal(peer._message(Command.ECHO, EMPTY_BODY, session_id=session.id)))[4:]
    )
    with pytest.raises(Closed, match="altered, or of another key"):
        peer.exchange.receive()


@pytest.mark.parametrize(
    ("session_id", "flags"), [(1, None), (None, Flags.RELATED_OPERATIONS)], ids=["other session", "related"]
)
def test_what_is_inside_must_be_of_the_session(
    server: InProcess, session_id: int | None, flags: int | None
) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    inside = peer._message(Command.ECHO, EMPTY_BODY, session_id=session_id or session.id, flags=flags)
    peer.exchange.send(b"".join(session.need_envelope().seal(inside))[4:])
    with pytest.raises(Closed, match="another session"):
        peer.exchange.receive()


def test_an_envelope_in_an_envelope_is_refused(server: InProcess) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    envelope = session.need_envelope()
    inner = b"".join(envelope.seal(peer._message(Command.ECHO, EMPTY_BODY, session_id=session.id)))[4:]
    peer.exchange.send(b"".join(envelope.seal(inner))[4:])
    with pytest.raises(Closed, match="protocol id fd534d42"):
        peer.exchange.receive()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(data=st.binary(max_size=200), known=st.booleans(), inside=st.booleans())
def test_garbage_ends_in_a_disconnect_or_an_answer(
    server: InProcess, data: bytes, known: bool, inside: bool
) -> None:
    peer, session = ready(server, ciphers=(GCM,))
    if inside:
        pdu = b"".join(session.need_envelope().seal(data.ljust(64, b"\0")))[4:]
    else:
        header = TransformHeader(bytes(16), bytes(16), len(data), session.id if known else 99)
        pdu = header.encode() + data
    peer.exchange.send(pdu)
    with pytest.raises(Closed):
        peer.exchange.receive()
