"""NTLMv2, both ends, as state machines without I/O (MS-NLMP 3.1, 3.2, 3.3.2).

Owns the proofs and the session key. Must not know SMB, files of users or clocks (time and randomness are
passed in). Called by ``spnego``. NTLMv1, LM and connectionless mode do not exist here.
"""

from __future__ import annotations

import hmac
import os
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import md5 as _md5

from server.wire.errors import MalformedError, WireError
from server.wire.legacy import md4, rc4
from server.wire.ntlm_messages import (
    AV_FLAG_MIC,
    Authenticate,
    AvId,
    Challenge,
    Negotiate,
    NegotiateFlags,
    decode_av_pairs,
    encode_av_pairs,
)
from server.wire.status import NTSTATUS

_ALWAYS = (
    NegotiateFlags.UNICODE
    | NegotiateFlags.NTLM
    | NegotiateFlags.EXTENDED_SESSIONSECURITY
    | NegotiateFlags.TARGET_INFO
    | NegotiateFlags.VERSION
)
_IF_ASKED = (
    NegotiateFlags.REQUEST_TARGET
    | NegotiateFlags.SIGN
    | NegotiateFlags.SEAL
    | NegotiateFlags.ALWAYS_SIGN
    | NegotiateFlags.KEY_128
    | NegotiateFlags.KEY_56
    | NegotiateFlags.KEY_EXCH
)
_BLOB_FIXED = 28
_PROOF = 16


class NtlmError(WireError):
    """The peer could not prove who it is; ``status`` is the answer it is owed."""

    status = NTSTATUS.LOGON_FAILURE


def nt_hash(password: str) -> bytes:
    """The 16 bytes that a server stores of a password: MD4 of its UTF-16LE text (3.3.1)."""
    return md4(password.encode("utf-16-le"))


def filetime() -> int:
    """Now, as 100 ns since 1601."""
    return time.time_ns() // 100 + 116_444_736_000_000_000


@dataclass(frozen=True, slots=True)
class NtlmResult:
    """A proven identity. ``user`` as the server's accounts spell it, ``domain`` as the client sent it.

    ``session_key`` is the ExportedSessionKey, 16 bytes; all zero for an anonymous logon, and for a guest: of a user
    that is not known nothing was proven, nor can anything be signed.
    """

    user: str
    domain: str
    session_key: bytes = field(repr=False)
    flags: int = NegotiateFlags.UNICODE
    anonymous: bool = False
    guest: bool = False

    def sign(self, data: bytes, *, from_client: bool) -> bytes:
        """The first message signature of this context in one direction: SPNEGO's mechListMIC (3.4.4.2)."""
        return message_signature(self.session_key, self.flags, data, from_client=from_client)


class NtlmServer:
    """One authentication, server side.

    ``users`` maps names to NT hashes (``nt_hash``); names are compared without case. ``step`` takes the
    client's two tokens in turn: the first gives ``(challenge, None)``, the second ``(b"", NtlmResult)``.
    NtlmError: not proven; MalformedError: not NTLM, or out of turn.
    """

    def __init__(
        self,
        users: Mapping[str, bytes],
        server_name: str,
        *,
        domain_name: str = "",
        allow_anonymous: bool = False,
        allow_guests: bool = False,
        random_bytes: Callable[[int], bytes] = os.urandom,
        now: Callable[[], int] = filetime,
    ) -> None:
        self._users = users
        self._server_name = server_name
        self._domain_name = domain_name or server_name
        self._allow_anonymous = allow_anonymous
        self._allow_guests = allow_guests
        self._random_bytes = random_bytes
        self._now = now
        self._negotiate: Negotiate | None = None
        self._challenge: Challenge | None = None

    def step(self, token: bytes) -> tuple[bytes, NtlmResult | None]:
        if self._negotiate is None or self._challenge is None:
            return self._on_negotiate(token), None
        negotiate, challenge = self._negotiate, self._challenge
        self._negotiate = self._challenge = None  # A challenge is good for one answer.
        return b"", self._on_authenticate(negotiate, challenge, Authenticate.decode(token))

    def _on_negotiate(self, token: bytes) -> bytes:
        negotiate = Negotiate.decode(token)
        if not negotiate.flags & NegotiateFlags.UNICODE:
            raise MalformedError("NTLM client without Unicode")
        flags = _ALWAYS | NegotiateFlags.TARGET_TYPE_SERVER | negotiate.flags & _IF_ASKED
        info: dict[int, bytes] = {
            AvId.NB_DOMAIN_NAME: self._domain_name.upper().encode("utf-16-le"),
            AvId.NB_COMPUTER_NAME: self._server_name.upper().encode("utf-16-le"),
            AvId.DNS_DOMAIN_NAME: b"",
            AvId.DNS_COMPUTER_NAME: self._server_name.lower().encode("utf-16-le"),
            AvId.TIMESTAMP: struct.pack("<Q", self._now()),
        }
        self._negotiate = negotiate
        self._challenge = Challenge.build(flags, self._random_bytes(8), self._server_name.upper(), info)
        return self._challenge.raw

    def _on_authenticate(
        self, negotiate: Negotiate, challenge: Challenge, message: Authenticate
    ) -> NtlmResult:
        if not message.user and len(message.nt_response) == 0:
            if not self._allow_anonymous:
                raise NtlmError("anonymous logon is not allowed")
            return NtlmResult("", "", bytes(16), message.flags, anonymous=True)
        if len(message.nt_response) < _PROOF + _BLOB_FIXED:
            raise NtlmError("not an NTLMv2 response")
        proof, blob = message.nt_response[:_PROOF], message.nt_response[_PROOF:]
        pairs = decode_av_pairs(memoryview(blob)[_BLOB_FIXED:])
        user, stored = self._account(message.user)
        if stored is None and self._allow_guests:
            return NtlmResult("", message.domain, bytes(16), message.flags, guest=True)
        response_key = ntowf_v2(stored or self._random_bytes(16), message.user, message.domain)
        # Over the blob as it came: clients differ in what they put after its AV pairs.
        expected = hmac.digest(response_key, challenge.server_challenge + blob, "md5")
        if not hmac.compare_digest(proof, expected) or stored is None:
            raise NtlmError(f"wrong user or password: {message.user}")
        session_key = hmac.digest(response_key, proof, "md5")
        if message.flags & challenge.flags & NegotiateFlags.KEY_EXCH:
            if len(message.encrypted_key) != 16:
                raise NtlmError(f"key exchange with {len(message.encrypted_key)} bytes")
            session_key = rc4(session_key, message.encrypted_key)
        if int.from_bytes(pairs.get(AvId.FLAGS, b""), "little") & AV_FLAG_MIC:
            expected = _mic(session_key, negotiate.raw, challenge.raw, message.without_mic)
            if not hmac.compare_digest(message.mic, expected):
                raise NtlmError("the MIC does not match: the exchange was altered on its way")
        return NtlmResult(user, message.domain, session_key, message.flags & challenge.flags)

    def _account(self, name: str) -> tuple[str, bytes | None]:
        if name in self._users:
            return name, self._users[name]
        folded = name.casefold()
        for known, stored in self._users.items():
            if known.casefold() == folded:
                return known, stored
        return name, None


class NtlmClient:
    """One authentication, client side: ``negotiate``, then ``authenticate`` with what the server answered."""

    def __init__(
        self,
        user: str,
        password: str,
        domain: str = "",
        *,
        workstation: str = "",
        random_bytes: Callable[[int], bytes] = os.urandom,
        now: Callable[[], int] = filetime,
    ) -> None:
        self._user = user
        self._nt_hash = nt_hash(password)
        self._domain = domain
        self._workstation = workstation
        self._random_bytes = random_bytes
        self._now = now
        self._negotiate = Negotiate.build(_ALWAYS | _IF_ASKED & ~NegotiateFlags.SEAL)
        self._result: NtlmResult | None = None

    @property
    def result(self) -> NtlmResult:
        """Set by ``authenticate``; says nothing of whether the server agreed."""
        if self._result is None:
            raise RuntimeError("NTLM: no challenge was answered yet")
        return self._result

    def negotiate(self) -> bytes:
        return self._negotiate.raw

    def authenticate(self, challenge_token: bytes) -> tuple[bytes, bytes]:
        """The AUTHENTICATE message, with a MIC, and the 16-byte session key. MalformedError: not a challenge.

        NtlmError: the server wants something older than NTLMv2 with Unicode.
        """
        challenge = Challenge.decode(challenge_token)
        needed = NegotiateFlags.UNICODE | NegotiateFlags.EXTENDED_SESSIONSECURITY | NegotiateFlags.TARGET_INFO
        if challenge.flags & needed != needed:
            raise NtlmError(f"the server's NTLM is too old (flags 0x{challenge.flags:08x})")
        flags = self._negotiate.flags & challenge.flags
        info = dict(challenge.target_info)
        stamp = info.get(AvId.TIMESTAMP) or struct.pack("<Q", self._now())
        told = int.from_bytes(info.get(AvId.FLAGS, b""), "little")
        info[AvId.FLAGS] = struct.pack("<I", told | AV_FLAG_MIC)
        head = struct.pack("<BB6x8s8s4x", 1, 1, stamp, self._random_bytes(8))
        blob = head + encode_av_pairs(info) + bytes(4)
        response_key = ntowf_v2(self._nt_hash, self._user, self._domain)
        proof = hmac.digest(response_key, challenge.server_challenge + blob, "md5")
        session_key = hmac.digest(response_key, proof, "md5")
        encrypted_key = b""
        if flags & NegotiateFlags.KEY_EXCH:
            exported = self._random_bytes(16)
            encrypted_key, session_key = rc4(session_key, exported), exported
        message = Authenticate.build(
            flags,
            user=self._user,
            domain=self._domain,
            workstation=self._workstation,
            lm_response=bytes(24),
            nt_response=proof + blob,
            encrypted_key=encrypted_key,
        )
        mic = _mic(session_key, self._negotiate.raw, challenge.raw, message.without_mic)
        self._result = NtlmResult(self._user, self._domain, session_key, flags)
        return message.with_mic(mic), session_key


def md5(data: bytes) -> bytes:
    return _md5(data, usedforsecurity=False).digest()  # The protocol's choice, not ours.


def ntowf_v2(stored_hash: bytes, user: str, domain: str) -> bytes:
    """ResponseKeyNT (3.3.2). The user's name in upper case, letter by letter, the domain as it is."""
    upper = "".join(up if len(up := letter.upper()) == 1 else letter for letter in user)
    return hmac.digest(stored_hash, (upper + domain).encode("utf-16-le"), "md5")


def message_signature(
    session_key: bytes, flags: int, data: bytes, *, from_client: bool, sequence: int = 0
) -> bytes:
    """The 16-byte NTLMSSP_MESSAGE_SIGNATURE with extended session security (3.4.4.2).

    ``sequence`` 0 only where the key stream is used (KEY_EXCH): the stream is not carried on.
    """
    way = b"client-to-server" if from_client else b"server-to-client"
    sign_key = md5(session_key + b"session key to " + way + b" signing key magic constant\0")
    counter = struct.pack("<I", sequence)
    checksum = hmac.digest(sign_key, counter + data, "md5")[:8]
    if flags & NegotiateFlags.KEY_EXCH:
        weak = 7 if flags & NegotiateFlags.KEY_56 else 5
        strength = 16 if flags & NegotiateFlags.KEY_128 else weak
        seal_input = session_key[:strength] + b"session key to " + way + b" sealing key magic constant\0"
        checksum = rc4(md5(seal_input), checksum)
    return struct.pack("<I", 1) + checksum + counter


def _mic(session_key: bytes, negotiate: bytes, challenge: bytes, authenticate: bytes) -> bytes:
    return hmac.digest(session_key, negotiate + challenge + authenticate, "md5")
