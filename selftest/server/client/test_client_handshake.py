"""Log-in and bind against a server's own arithmetic: the same keys, and nobody in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from server.client.errors import ChannelLost, StatusError
from server.client.handshake import Established, Handshake, SessionKeys, handshake
from server.wire.header import SIZE, Command, Flags, Header
from server.wire.keys import PreauthHash, signing_key
from server.wire.misc import ERROR_BODY
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse
from server.wire.negotiate_contexts import PreauthIntegrity, Signing
from server.wire.ntlm import NtlmClient, NtlmError, NtlmServer, nt_hash
from server.wire.session_setup import SessionFlags, SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.spnego import Acceptor, Initiator
from server.wire.status import NTSTATUS

GUID = uuid.UUID(int=7)
ID = 0x4242


@dataclass
class Server:
    """A server's side of the arithmetic, on one connection."""

    algorithm: SigningAlgorithm = SigningAlgorithm.AES_GMAC
    dialect: Dialect = Dialect.SMB_3_1_1
    session_flags: int = SessionFlags.NONE
    knows_password: bool = True
    acceptor: Acceptor = field(
        default_factory=lambda: Acceptor(NtlmServer({"alice": nt_hash("secret")}, "srv"))
    )
    preauth: PreauthHash = field(default_factory=PreauthHash)
    bind: Signer | None = None
    signer: Signer | None = None
    follows: set[int] = field(default_factory=set)

    def answer(self, message: bytes) -> bytes:
        header = Header.decode(message)
        body = memoryview(message)[SIZE:]
        if header.command is Command.NEGOTIATE:
            assert NegotiateRequest.decode(body).client_guid == GUID
            terms = NegotiateResponse(
                self.dialect,
                uuid.UUID(int=1),
                capabilities=Capabilities.MULTI_CHANNEL,
                contexts=(PreauthIntegrity((1,), b"salt"), Signing((self.algorithm,))),
            )
            reply = self._reply(header, NTSTATUS.SUCCESS, terms.encode(), 0)
            self.preauth = self.preauth.update(message).update(reply)
            return reply
        self.preauth = self.preauth.update(message)
        request = SessionSetupRequest.decode(body)
        self.follows.add(request.previous_session_id)
        assert bool(request.flags & SetupFlags.BINDING) is (self.bind is not None)
        if self.bind:
            assert header.session_id == ID
            assert self.bind.verify(message, server=False), "every request of a bind is signed by the session"
        try:
            token, result = self.acceptor.step(request.token)
        except NtlmError as error:
            return self._reply(header, error.status, ERROR_BODY, ID)
        if result is None:
            status = NTSTATUS.MORE_PROCESSING_REQUIRED
            reply = self._reply(header, status, SessionSetupResponse(token).encode(), ID, self.bind)
            self.preauth = self.preauth.update(reply)
            return reply
        key = signing_key(
            result.session_key if self.knows_password else bytes(16), self.dialect, self.preauth
        )
        self.signer = Signer(self.algorithm, key)
        final = SessionSetupResponse(token, self.session_flags).encode()
        return self._reply(header, NTSTATUS.SUCCESS, final, ID, self.signer)

    def _reply(
        self, request: Header, status: NTSTATUS, body: bytes, session_id: int, signer: Signer | None = None
    ) -> bytes:
        header = Header(
            request.command,
            status=status,
            flags=Flags.SERVER_TO_REDIR,
            message_id=request.message_id,
            session_id=session_id,
            credits=10,
        )
        message = bytearray(header.encode() + body)
        if signer:
            signer.sign(message, server=True)
        return bytes(message)


def run(steps: Handshake, server: Server, meddle: Callable[[bytes], bytes] = bytes) -> Established:
    """The two of them, with somebody in between who may ``meddle`` with the answers."""
    message = next(steps)
    while True:
        try:
            message = steps.send(meddle(server.answer(message)))
        except StopIteration as done:
            result: Established = done.value
            return result


def client(password: str = "secret", bind: SessionKeys | None = None) -> Handshake:
    return handshake(GUID, Initiator(NtlmClient("alice", password)), bind)


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_both_sides_sign_with_the_same_key(algorithm: SigningAlgorithm) -> None:
    server = Server(algorithm)
    agreed = run(client(), server)
    assert server.signer is not None
    assert (agreed.signer.key, agreed.signer.algorithm) == (server.signer.key, algorithm)
    assert agreed.session_id == ID
    assert (agreed.credits, agreed.next_message_id) == (1 + 3 * 9, 3)
    assert agreed.multichannel


def test_the_session_that_is_followed_is_named_all_along() -> None:
    server = Server()
    run(handshake(GUID, Initiator(NtlmClient("alice", "secret")), previous=0x99), server)
    assert server.follows == {0x99}


def test_a_bind_is_signed_by_the_session_and_ends_with_a_key_of_its_own() -> None:
    session = run(client(), Server())
    server = Server(bind=session.signer)
    bound = run(client(bind=SessionKeys(ID, session.signer)), server)
    assert server.signer is not None
    assert bound.signer.key == server.signer.key != session.signer.key


def test_a_wrong_password_is_the_servers_status() -> None:
    with pytest.raises(StatusError) as caught:
        run(client("wrong"), Server())
    assert caught.value.status is NTSTATUS.LOGON_FAILURE


def test_a_server_that_does_not_know_the_password_is_not_believed() -> None:
    with pytest.raises(ChannelLost, match="knows the password"):
        run(client(), Server(knows_password=False))


def test_nobody_in_between_changes_what_was_negotiated() -> None:
    """Both may sign with less than GMAC; somebody makes them, and the keys come out different."""

    def weaken(answer: bytes) -> bytes:
        gmac, cmac = (Signing((a,)).encode() for a in (SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC))
        negotiate = Header.decode(answer).command is Command.NEGOTIATE
        return answer[:-4] + answer[-4:].replace(gmac, cmac) if negotiate else answer

    server = Server()
    with pytest.raises(ChannelLost, match="knows the password"):
        run(client(), server, weaken)
    assert server.signer is not None, "the server saw nothing wrong: it is for the client to notice"


@pytest.mark.parametrize("flags", [SessionFlags.IS_GUEST, SessionFlags.IS_NULL])
def test_a_guest_session_is_refused(flags: int) -> None:
    with pytest.raises(StatusError, match="guest"):
        run(client(), Server(session_flags=flags))


def test_what_was_not_offered_is_not_taken() -> None:
    with pytest.raises(ChannelLost, match="not offered"):
        run(client(), Server(dialect=Dialect.SMB_3_0))


def test_an_answer_to_something_else_is_refused() -> None:
    with pytest.raises(ChannelLost, match="answered"):
        run(client(), Server(), lambda answer: answer[:24] + bytes([answer[24] ^ 1]) + answer[25:])
