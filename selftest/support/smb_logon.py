"""NEGOTIATE and SESSION_SETUP as a test wants them: any dialect, any signing, to log on, to bind, to log on anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selftest.support.smb_core import USERS
from selftest.support.smb_messages import Answer, LoggedOn, Messages
from server.wire.encryption import Envelope, key_length
from server.wire.header import Command, Header
from server.wire.keys import PreauthHash, encryption_keys, signing_key
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse
from server.wire.negotiate_contexts import Cipher, Context, Encryption, PreauthIntegrity, Signing, find
from server.wire.ntlm import NtlmClient
from server.wire.session_setup import SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer, SigningAlgorithm, algorithm_for
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS


class Logon(Messages):
    """How a connection becomes a channel."""

    def negotiate(
        self,
        dialects: Sequence[int] = (Dialect.SMB_3_1_1,),
        *,
        signing: Sequence[int] | None = (SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC),
        capabilities: int = Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL,
        ciphers: Sequence[int] = (),
    ) -> Answer:
        contexts: tuple[Context, ...] = (PreauthIntegrity((1,), b"salt" * 8),)
        if signing:
            contexts += (Signing(tuple(signing)),)
        if ciphers:
            contexts += (Encryption(tuple(ciphers)),)
            capabilities |= Capabilities.ENCRYPTION
        asked = NegotiateRequest(
            tuple(dialects),
            self.guid,
            capabilities=capabilities,
            contexts=contexts if 0x311 in dialects else (),
        )
        message = Header(Command.NEGOTIATE, message_id=self.message_id, credits=64).encode() + asked.encode()
        self.message_id += 1
        self.exchange.send(message)
        answer = self._answer()
        if answer.status is NTSTATUS.SUCCESS:
            terms = NegotiateResponse.decode(answer.body)
            self.dialect = terms.dialect
            chosen = find(terms.contexts, Signing)
            self.signing = algorithm_for(
                terms.dialect, SigningAlgorithm(chosen.algorithms[0]) if chosen else None
            )
            self.preauth = PreauthHash().update(message).update(answer.message)
            self.cipher = _cipher(terms)
        return answer

    def log_on(self, user: str = "alice", password: str | None = None, **about: Any) -> LoggedOn:
        """A session that stands, or AssertionError with the status."""
        session, answer = self.authenticate(user, password, **about)
        assert answer.status is NTSTATUS.SUCCESS, answer.status.label
        assert session is not None
        return session

    def bind(self, session: LoggedOn, user: str = "alice", password: str | None = None) -> Answer:
        """Bind that session here. On success `LoggedOn` for this channel is `self.bound`."""
        bound, answer = self.authenticate(
            user, password, session_id=session.id, signer=session.signer, flags=SetupFlags.BINDING
        )
        if bound is not None:
            bound.tree = session.tree
            bound.envelope = session.envelope
            self.bound = bound
        return answer

    def authenticate(
        self,
        user: str = "alice",
        password: str | None = None,
        *,
        session_id: int = 0,
        signer: Signer | None = None,
        flags: int = SetupFlags.NONE,
        previous: int = 0,
    ) -> tuple[LoggedOn | None, Answer]:
        secret = USERS[user] if password is None else password
        initiator = Initiator(NtlmClient(user, secret))
        token, preauth = initiator.begin(), self.preauth
        while True:
            body = SessionSetupRequest(token, flags, previous_session_id=previous).encode()
            message = self._message(Command.SESSION_SETUP, body, session_id=session_id, signer=signer)
            preauth = preauth.update(message)
            self.exchange.send(message)
            answer = self._answer()
            if answer.status is not NTSTATUS.MORE_PROCESSING_REQUIRED:
                break
            if signer is not None:
                assert signer.verify(answer.message, server=True), "an interim answer with a wrong signature"
            preauth = preauth.update(answer.message)
            session_id = answer.header.session_id
            token = initiator.respond(SessionSetupResponse.decode(answer.body).token)
        if answer.status is not NTSTATUS.SUCCESS:
            return None, answer
        own = Signer(self.signing, signing_key(initiator.session_key, self.dialect, preauth))
        assert own.verify(answer.message, server=True), "the final answer is not signed by the new key"
        logged_on = LoggedOn(session_id, own)
        if self.cipher is not Cipher.NONE:
            keys = encryption_keys(
                initiator.session_key, self.dialect, preauth, key_length=key_length(self.cipher)
            )
            logged_on.envelope = Envelope.of_client(self.cipher, session_id, keys)
        return logged_on, answer


def _cipher(terms: NegotiateResponse) -> Cipher:
    chosen = find(terms.contexts, Encryption)
    if chosen is not None:
        return Cipher(chosen.ciphers[0])
    return Cipher.AES_128_CCM if terms.capabilities & Capabilities.ENCRYPTION else Cipher.NONE
