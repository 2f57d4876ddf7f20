"""A session is bound to one more connection if, and only if, everything about it is right; the refusal names the fault."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selftest.support.smb_peer import Fleet, InProcess, LoggedOn, Peer, config, ready, second_channel
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Capabilities
from server.wire.negotiate_contexts import Cipher
from server.wire.session_setup import SetupFlags
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.status import NTSTATUS

GMAC, CMAC, HMAC = SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC, SigningAlgorithm.HMAC_SHA256


def bind(server: InProcess, session: LoggedOn, **about: object) -> NTSTATUS:
    peer = Peer(server.connect())
    peer.negotiate(**about)  # type: ignore[arg-type]  # whatever a test says of the connection
    return peer.bind(session).status


def test_a_bound_channel_has_the_trees_and_files_of_the_session_at_once(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    peer.write(session, file_id, b"from channel one")
    other, there = second_channel(server, session)
    assert there.signer.key != session.signer.key, "each channel signs with its own key"
    assert other.content(there, file_id, 100) == b"from channel one"
    assert ("channel-bound", "c2") in [(kind, told.get("connection")) for kind, told in server.events.events]


def test_a_channel_does_not_take_the_signature_of_another(server: InProcess) -> None:
    _, session = ready(server)
    other, there = second_channel(server, session)
    message = other._message(Command.ECHO, EMPTY_BODY, session_id=there.id, signer=session.signer)
    other.exchange.send(message)
    assert other._answer().status is NTSTATUS.ACCESS_DENIED


@pytest.mark.parametrize("second", [HMAC, CMAC])
def test_the_new_channel_signs_as_its_connection_negotiated(
    server: InProcess, second: SigningAlgorithm
) -> None:
    _, session = ready(server, signing=(CMAC,))
    other, there = second_channel(server, session, signing=(second,))
    assert there.signer.algorithm is second
    assert other.ask(Command.ECHO, EMPTY_BODY, there).status is NTSTATUS.SUCCESS


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (GMAC, CMAC, NTSTATUS.REQUEST_OUT_OF_SEQUENCE),
        (GMAC, HMAC, NTSTATUS.REQUEST_OUT_OF_SEQUENCE),
        (CMAC, GMAC, NTSTATUS.NOT_SUPPORTED),
        (HMAC, GMAC, NTSTATUS.NOT_SUPPORTED),
    ],
)
def test_gmac_binds_with_gmac_alone(
    server: InProcess, first: SigningAlgorithm, second: SigningAlgorithm, status: NTSTATUS
) -> None:
    _, session = ready(server, signing=(first,))
    assert bind(server, session, signing=(second,)) is status


def test_no_such_session(server: InProcess) -> None:
    _, session = ready(server)
    assert bind(server, replace(session, id=session.id ^ 1)) is NTSTATUS.USER_SESSION_DELETED


def test_another_dialect(server: InProcess) -> None:
    _, session = ready(server, dialects=(0x302,))
    assert bind(server, session, dialects=(0x300,)) is NTSTATUS.INVALID_PARAMETER


def test_without_multichannel(server: InProcess) -> None:
    _, session = ready(server)
    assert bind(server, session, capabilities=Capabilities.LARGE_MTU) is NTSTATUS.REQUEST_NOT_ACCEPTED


def test_on_a_connection_of_smb2(server: InProcess) -> None:
    _, session = ready(server, dialects=(0x302,))
    assert bind(server, session, dialects=(0x210,)) is NTSTATUS.REQUEST_NOT_ACCEPTED


def test_without_signature(server: InProcess) -> None:
    _, session = ready(server)
    peer = Peer(server.connect())
    peer.negotiate()
    _, answer = peer.authenticate(session_id=session.id, flags=SetupFlags.BINDING)
    assert answer.status is NTSTATUS.INVALID_PARAMETER


def test_with_a_wrong_signature(server: InProcess) -> None:
    _, session = ready(server)
    wrong = Signer(session.signer.algorithm, bytes(16))
    assert bind(server, replace(session, signer=wrong)) is NTSTATUS.ACCESS_DENIED


def test_by_another_client(server: InProcess) -> None:
    _, session = ready(server)
    stranger = Peer(server.connect(), uuid.UUID(int=99))
    stranger.negotiate()
    assert stranger.bind(session).status is NTSTATUS.USER_SESSION_DELETED


def test_twice_on_one_connection(server: InProcess) -> None:
    peer, session = ready(server)
    assert peer.bind(session).status is NTSTATUS.REQUEST_NOT_ACCEPTED


def test_a_wrong_password_leaves_session_and_channels_alone(server: InProcess) -> None:
    peer, session = ready(server)
    other = Peer(server.connect())
    other.negotiate()
    assert other.bind(session, password="wrong").status is NTSTATUS.LOGON_FAILURE
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS
    assert other.bind(session).status is NTSTATUS.SUCCESS, "the right one binds afterwards"


def test_another_user_is_refused_and_the_right_one_binds_there_after(server: InProcess) -> None:
    peer, session = ready(server)
    other = Peer(server.connect())
    other.negotiate()
    assert other.bind(session, "bob").status is NTSTATUS.ACCESS_DENIED
    assert other.bind(session).status is NTSTATUS.SUCCESS
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS


def test_the_thirty_third_channel(server: InProcess) -> None:
    _, session = ready(server)
    for _ in range(31):
        assert bind(server, session) is NTSTATUS.SUCCESS
    assert bind(server, session) is NTSTATUS.INSUFFICIENT_RESOURCES


def test_after_a_failed_bind_the_session_is_not_there_for_ordinary_setup(server: InProcess) -> None:
    _, session = ready(server)
    other = Peer(server.connect())
    other.negotiate()
    other.bind(session, password="wrong")
    _, answer = other.authenticate(session_id=session.id, signer=session.signer)
    assert answer.status is NTSTATUS.USER_SESSION_DELETED


def test_the_session_lives_while_one_channel_does(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    other, there = second_channel(server, session)
    server.core.lost(server.core.sessions[session.id].connection)
    assert other.write(there, file_id, b"on").status is NTSTATUS.SUCCESS
    third, further = second_channel(server, replace(there, signer=session.signer))
    assert third.content(further, file_id, 2) == b"on"
    for connection in [channel.connection for channel in server.core.sessions[session.id].channels.values()]:
        server.core.lost(connection)
    assert not server.core.sessions
    assert not server.core.opens


def test_log_off_on_one_channel_ends_it_on_all(server: InProcess) -> None:
    peer, session = ready(server)
    other, there = second_channel(server, session)
    assert other.ask(Command.LOGOFF, EMPTY_BODY, there).status is NTSTATUS.SUCCESS
    assert peer.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.USER_SESSION_DELETED


def test_one_connection_carries_a_session_of_its_own_and_a_bound_one(server: InProcess) -> None:
    _, session = ready(server)
    other, own = ready(server)
    assert other.bind(session).status is NTSTATUS.SUCCESS
    assert other.ask(Command.ECHO, EMPTY_BODY, own).status is NTSTATUS.SUCCESS
    assert other.ask(Command.ECHO, EMPTY_BODY, other.bound).status is NTSTATUS.SUCCESS


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({}, NTSTATUS.USER_SESSION_DELETED),
        ({"dialects": (0x302,), "signing": None}, NTSTATUS.REQUEST_OUT_OF_SEQUENCE),
        ({"signing": (CMAC,)}, NTSTATUS.REQUEST_OUT_OF_SEQUENCE),
        ({"capabilities": Capabilities.LARGE_MTU}, NTSTATUS.REQUEST_NOT_ACCEPTED),
        ({"ciphers": (Cipher.AES_128_CCM,)}, NTSTATUS.INVALID_PARAMETER),
    ],
    ids=["all alike", "another dialect", "another algorithm", "no multichannel", "another cipher"],
)
def test_by_another_client_in_another_worker_the_fault_is_still_named(
    tmp_path: Path, about: dict[str, Any], status: NTSTATUS
) -> None:
    fleet = Fleet()
    with InProcess(config(tmp_path), fleet) as one, InProcess(config(tmp_path), fleet) as other:
        _, session = ready(one, ciphers=(Cipher.AES_128_GCM,))
        stranger = Peer(other.connect(), uuid.UUID(int=99))
        stranger.negotiate(**{"ciphers": (Cipher.AES_128_GCM,), **about})
        assert stranger.bind(session).status is status
    fleet.close()
