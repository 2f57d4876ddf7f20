"""What is said before a channel carries requests: NEGOTIATE and SESSION_SETUP, to log in or to bind.

Owns the order of these messages, the preauth hash over them and the checks that keep somebody in between out.
Sans-I/O: ``handshake`` is a generator of messages to send that is sent the answers. Must not know sockets.
Called by ``channel``. Source: MS-SMB2 3.2.4.2.1, 3.2.5.2, 3.2.5.3.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass

from server.client.errors import ChannelLost, StatusError
from server.wire.encryption import Envelope, key_length
from server.wire.header import SIZE, Command, Flags, Header
from server.wire.keys import PreauthHash, encryption_keys, signing_key
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse, SecurityMode
from server.wire.negotiate_contexts import (
    Cipher,
    Encryption,
    HashAlgorithm,
    PreauthIntegrity,
    Signing,
    find,
)
from server.wire.ntlm import NtlmError
from server.wire.session_setup import SessionFlags, SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer, SigningAlgorithm, algorithm_for
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS

CAPABILITIES = (
    Capabilities.LEASING | Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL | Capabilities.ENCRYPTION
)
_SIGNING = (SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC, SigningAlgorithm.HMAC_SHA256)
_CIPHERS = (Cipher.AES_128_GCM, Cipher.AES_128_CCM, Cipher.AES_256_GCM, Cipher.AES_256_CCM)
_CREDITS = 64
_SALT = 32

Handshake = Generator[bytes, bytes, "Established"]
"""Yields messages, header to last byte; is sent the answers; returns what was agreed."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What a bind must know of the session: its id, the signer of its first channel, what encrypts on all of them."""

    session_id: int
    signer: Signer
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Established:
    """A connection that carries requests of ``session_id``, signed by ``signer`` or encrypted in ``envelope``.

    ``credits`` and ``next_message_id`` continue the connection's sequence. Sizes in bytes.
    """

    session_id: int
    signer: Signer
    envelope: Envelope | None
    dialect: Dialect
    server_guid: uuid.UUID
    capabilities: int
    max_transact: int
    max_read: int
    max_write: int
    flags: int
    credits: int
    next_message_id: int

    @property
    def multichannel(self) -> bool:
        return bool(self.capabilities & Capabilities.MULTI_CHANNEL)


def handshake(
    client_guid: uuid.UUID,
    initiator: Initiator,
    bind: SessionKeys | None = None,
    *,
    previous: int = 0,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> Handshake:
    """Negotiate, then log in, or with ``bind`` join that session. ``previous`` is the id of one that the new
    session follows: the server gives it up first.

    StatusError: the server refuses, with its status. ChannelLost: it does not keep to the protocol, or cannot
    prove that it knows the password. WireError: it sends garbage.
    """
    credits = 1
    offer = NegotiateRequest(
        dialects=(Dialect.SMB_3_1_1,),
        client_guid=client_guid,
        security_mode=SecurityMode.SIGNING_ENABLED,
        capabilities=CAPABILITIES,
        contexts=(
            PreauthIntegrity((HashAlgorithm.SHA_512,), random_bytes(_SALT)),
            Encryption(_CIPHERS),
            Signing(_SIGNING),
        ),
    )
    request = Header(Command.NEGOTIATE, credits=_CREDITS).encode() + offer.encode()
    answer = yield request
    header = _answer_to(answer, Command.NEGOTIATE, 0)
    if header.status != NTSTATUS.SUCCESS:
        raise StatusError(NTSTATUS(header.status), "NEGOTIATE")
    terms = NegotiateResponse.decode(memoryview(answer)[SIZE:])
    algorithm, cipher = _agreed(offer, terms), _cipher(terms)
    credits += header.credits - 1
    preauth = PreauthHash().update(request).update(answer)

    token = initiator.begin()
    session_id = bind.session_id if bind else 0
    message_id = 1
    while True:
        head = Header(
            Command.SESSION_SETUP,
            message_id=message_id,
            session_id=session_id,
            credit_charge=1,
            credits=_CREDITS,
        )
        body = SessionSetupRequest(
            token,
            flags=SetupFlags.BINDING if bind else SetupFlags.NONE,
            security_mode=SecurityMode.SIGNING_ENABLED,
            capabilities=Capabilities.NONE,
            previous_session_id=previous,
        )
        message = bytearray(head.encode() + body.encode())
        if bind:
            bind.signer.sign(message, server=False)
        preauth = preauth.update(message)
        answer = yield bytes(message)
        header = _answer_to(answer, Command.SESSION_SETUP, message_id)
        credits += header.credits - 1
        message_id += 1
        if header.status not in (NTSTATUS.SUCCESS, NTSTATUS.MORE_PROCESSING_REQUIRED):
            raise StatusError(NTSTATUS(header.status), "session bind" if bind else "log-in")
        if bind and header.session_id != bind.session_id:
            raise ChannelLost("the server answered the bind for another session")
        setup = SessionSetupResponse.decode(memoryview(answer)[SIZE:])
        if header.status == NTSTATUS.SUCCESS:
            break
        if bind and header.flags & Flags.SIGNED and not bind.signer.verify(answer, server=True):
            raise ChannelLost("wrong signature under a bind's interim answer")
        preauth = preauth.update(answer)
        session_id = header.session_id
        token = initiator.respond(setup.token)

    if setup.flags & (SessionFlags.IS_GUEST | SessionFlags.IS_NULL):
        raise StatusError(
            NTSTATUS.ACCESS_DENIED, "log-in: the server made it a guest's, which cannot be signed"
        )
    signer = Signer(algorithm, signing_key(initiator.session_key, terms.dialect, preauth))
    if not signer.verify(answer, server=True):
        raise ChannelLost("the server cannot sign the session: not the one that knows the password")
    try:
        initiator.finish(setup.token)
    except NtlmError as error:
        raise ChannelLost(str(error)) from None
    if bind:
        envelope = bind.envelope
        if cipher is not (envelope.cipher if envelope else Cipher.NONE):
            raise ChannelLost("the server chose another cipher than for the session")
    else:
        envelope = _envelope(header.session_id, initiator.session_key, preauth, cipher)
    if setup.flags & SessionFlags.ENCRYPT_DATA and envelope is None:
        raise ChannelLost("the server demands encryption, and has agreed to no cipher")
    return Established(
        session_id=header.session_id,
        signer=signer,
        envelope=envelope,
        dialect=terms.dialect,
        server_guid=terms.server_guid,
        capabilities=terms.capabilities,
        max_transact=terms.max_transact,
        max_read=terms.max_read,
        max_write=terms.max_write,
        flags=setup.flags,
        credits=credits,
        next_message_id=message_id,
    )


def _answer_to(answer: bytes, command: Command, message_id: int) -> Header:
    header = Header.decode(answer)
    if not header.is_response or header.command is not command or header.message_id != message_id:
        raise ChannelLost(f"the server answered {command.name} with {header.command.name}")
    return header


def _agreed(offer: NegotiateRequest, terms: NegotiateResponse) -> SigningAlgorithm:
    """The signing algorithm; ChannelLost where the server took what was not offered."""
    if terms.dialect not in offer.dialects:
        raise ChannelLost(f"the server chose dialect 0x{terms.dialect:04x}, which was not offered")
    preauth = find(terms.contexts, PreauthIntegrity)
    if preauth is None or preauth.algorithms != (HashAlgorithm.SHA_512,):
        raise ChannelLost("the server chose no preauth integrity hash")
    signing = find(terms.contexts, Signing)
    if signing is None:
        return algorithm_for(terms.dialect)
    if len(signing.algorithms) != 1 or signing.algorithms[0] not in _SIGNING:
        raise ChannelLost(f"the server chose signing algorithms {signing.algorithms}")
    return algorithm_for(terms.dialect, SigningAlgorithm(signing.algorithms[0]))


def _cipher(terms: NegotiateResponse) -> Cipher:
    """The cipher; ChannelLost where the server took what was not offered."""
    chosen = find(terms.contexts, Encryption)
    if chosen is None or chosen.ciphers == (Cipher.NONE,):
        return Cipher.NONE
    if len(chosen.ciphers) != 1 or chosen.ciphers[0] not in _CIPHERS:
        raise ChannelLost(f"the server chose ciphers {chosen.ciphers}")
    return Cipher(chosen.ciphers[0])


def _envelope(session_id: int, session_key: bytes, preauth: PreauthHash, cipher: Cipher) -> Envelope | None:
    if cipher is Cipher.NONE:
        return None
    keys = encryption_keys(session_key, Dialect.SMB_3_1_1, preauth, key_length=key_length(cipher))
    return Envelope.of_client(cipher, session_id, keys)
