"""What was negotiated is confirmed to who was told the truth; to anybody else the connection ends (MS-SMB2 3.3.5.15.12)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from selftest.support.smb_peer import GUID, Answer, Closed, InProcess, LoggedOn, Peer, ready
from server.wire.header import Command
from server.wire.ioctl import (
    ControlCode,
    IoctlRequest,
    IoctlResponse,
    ValidateNegotiateRequest,
    ValidateNegotiateResponse,
)
from server.wire.negotiate import Capabilities, Dialect, NegotiateResponse, SecurityMode
from server.wire.negotiate_contexts import Cipher
from server.wire.status import NTSTATUS

DIALECTS = (Dialect.SMB_2_1, Dialect.SMB_3_0, Dialect.SMB_3_0_2)
TOLD = ValidateNegotiateRequest(
    Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL | Capabilities.ENCRYPTION,
    GUID,
    SecurityMode.SIGNING_ENABLED,
    DIALECTS,
)


def negotiated(server: InProcess) -> tuple[Peer, LoggedOn, NegotiateResponse]:
    peer = Peer(server.connect())
    terms = NegotiateResponse.decode(peer.negotiate(DIALECTS, ciphers=(Cipher.AES_128_CCM,)).body)
    session = peer.log_on()
    peer.tree_connect(session, "IPC$")
    return peer, session, terms


def validate(peer: Peer, session: LoggedOn, told: ValidateNegotiateRequest, **about: Any) -> Answer:
    request = IoctlRequest(ControlCode.VALIDATE_NEGOTIATE_INFO, data=told.encode(), **about)
    return peer.ask(Command.IOCTL, request.encode(), session)


def test_it_says_again_what_negotiate_said(server: InProcess) -> None:
    peer, session, terms = negotiated(server)
    answer = validate(peer, session, TOLD)
    assert answer.status is NTSTATUS.SUCCESS
    said = ValidateNegotiateResponse.decode(IoctlResponse.decode(answer.body).data)
    assert said == ValidateNegotiateResponse(
        terms.capabilities, terms.server_guid, terms.security_mode, Dialect.SMB_3_0_2
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"capabilities": Capabilities.LARGE_MTU},
        {"client_guid": uuid.UUID(int=1)},
        {"security_mode": SecurityMode.SIGNING_REQUIRED},
        {"dialects": (Dialect.SMB_2_1, Dialect.SMB_3_0)},
        {"dialects": (*DIALECTS, Dialect.SMB_3_1_1)},
        {"dialects": ()},
    ],
    ids=["capabilities", "ClientGuid", "security mode", "fewer dialects", "a better dialect", "no dialect"],
)
def test_what_was_tampered_with_ends_the_connection(server: InProcess, changes: dict[str, Any]) -> None:
    peer, session, _ = negotiated(server)
    with pytest.raises(Closed, match="another NEGOTIATE"):
        validate(peer, session, replace(TOLD, **changes))


def test_no_room_for_the_answer_ends_it_too(server: InProcess) -> None:
    peer, session, _ = negotiated(server)
    with pytest.raises(Closed):
        validate(peer, session, TOLD, max_output=23)


def test_garbage_ends_it_too(server: InProcess) -> None:
    peer, session, _ = negotiated(server)
    request = IoctlRequest(ControlCode.VALIDATE_NEGOTIATE_INFO, data=b"garbage")
    with pytest.raises(Closed):
        peer.ask(Command.IOCTL, request.encode(), session)


def test_311_has_better_means_and_does_not_answer(server: InProcess) -> None:
    peer, session = ready(server)
    with pytest.raises(Closed):
        validate(peer, session, TOLD)
