"""SPNEGO with the one mechanism that we speak, NTLM (RFC 4178, MS-SPNG; MS-SMB2 3.3.5.4, 3.3.5.5).

Owns the tokens round NTLM's own and the mechListMIC. Must not know SMB. Called by session setup on both
sides. Raw NTLMSSP tokens, which some clients send instead, are let through.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum

from server.wire import der
from server.wire.errors import MalformedError
from server.wire.ntlm import NtlmClient, NtlmError, NtlmResult, NtlmServer
from server.wire.ntlm_messages import MAGIC as NTLM_MAGIC

OID_SPNEGO = der.encode_oid("1.3.6.1.5.5.2")
OID_NTLM = der.encode_oid("1.3.6.1.4.1.311.2.2.10")
_HINT_NAME = b"not_defined_in_RFC4178@please_ignore"


class NegState(IntEnum):
    """RFC 4178 4.2.2."""

    ACCEPT_COMPLETED = 0
    ACCEPT_INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


@dataclass(frozen=True, slots=True)
class InitToken:
    """NegTokenInit. ``mech_list`` is the DER of the whole MechTypeList, as it came: the MIC is over it."""

    mech_list: bytes
    mech_token: bytes | None
    mic: bytes | None

    @property
    def mechanisms(self) -> list[bytes]:
        """The DER of each OID, in the sender's order of preference."""
        content = der.expect(self.mech_list, der.SEQUENCE)
        return [der.encode(tag, value) for tag, value in der.elements(content)]


@dataclass(frozen=True, slots=True)
class ResponseToken:
    """NegTokenResp; what is None was not there."""

    state: NegState | None = None
    mechanism: bytes | None = None
    token: bytes | None = None
    mic: bytes | None = None


def decode_init(data: bytes) -> InitToken:
    """An initial token. MalformedError: not one, or without a list of mechanisms."""
    inner = der.expect(data, der.APPLICATION_0)
    tag, _, rest = der.read(inner)
    if tag != der.OID or inner[: len(OID_SPNEGO)] != OID_SPNEGO:
        raise MalformedError("a GSS token that is not SPNEGO")
    mech_list = token = mic = None
    for tag, value in der.elements(der.expect(der.expect(rest, der.context(0)), der.SEQUENCE)):
        if tag == der.context(0):
            mech_list = value
        elif tag == der.context(2):
            token = der.expect(value, der.OCTET_STRING)
        elif tag == der.context(3) and value[:1] == bytes((der.OCTET_STRING,)):
            mic = der.expect(value, der.OCTET_STRING)  # A SEQUENCE here would be NegTokenInit2's hints.
    if mech_list is None:
        raise MalformedError("SPNEGO without mechanisms")
    return InitToken(mech_list, token, mic)


def encode_init(mech_list: bytes, mech_token: bytes | None = None, *, hint: bool = False) -> bytes:
    """NegTokenInit, or with ``hint`` the NegTokenInit2 by which a server makes itself known."""
    body = [der.encode(der.context(0), mech_list)]
    if mech_token is not None:
        body.append(der.encode(der.context(2), der.encode(der.OCTET_STRING, mech_token)))
    if hint:
        name = der.encode(der.context(0), der.encode(der.GENERAL_STRING, _HINT_NAME))
        body.append(der.encode(der.context(3), der.encode(der.SEQUENCE, name)))
    return der.encode(
        der.APPLICATION_0, OID_SPNEGO, der.encode(der.context(0), der.encode(der.SEQUENCE, *body))
    )


def decode_response(data: bytes) -> ResponseToken:
    state = mechanism = token = mic = None
    for tag, value in der.elements(der.expect(der.expect(data, der.context(1)), der.SEQUENCE)):
        if tag == der.context(0):
            raw = der.expect(value, der.ENUMERATED)
            if len(raw) != 1 or raw[0] > NegState.REQUEST_MIC:
                raise MalformedError("SPNEGO negState")
            state = NegState(raw[0])
        elif tag == der.context(1):
            mechanism = value
        elif tag == der.context(2):
            token = der.expect(value, der.OCTET_STRING)
        elif tag == der.context(3):
            mic = der.expect(value, der.OCTET_STRING)
    return ResponseToken(state, mechanism, token, mic)


def encode_response(response: ResponseToken) -> bytes:
    body = []
    if response.state is not None:
        body.append(der.encode(der.context(0), der.encode(der.ENUMERATED, bytes((response.state,)))))
    if response.mechanism is not None:
        body.append(der.encode(der.context(1), response.mechanism))
    if response.token is not None:
        body.append(der.encode(der.context(2), der.encode(der.OCTET_STRING, response.token)))
    if response.mic is not None:
        body.append(der.encode(der.context(3), der.encode(der.OCTET_STRING, response.mic)))
    return der.encode(der.context(1), der.encode(der.SEQUENCE, *body))


class Acceptor:
    """The server's end of one authentication.

    ``step`` takes the security buffers of the SESSION_SETUP requests in turn and gives ``(reply, result)``;
    the result is None while more is needed (STATUS_MORE_PROCESSING_REQUIRED). NtlmError: not proven.
    MalformedError: not SPNEGO. Either ends the exchange.
    """

    def __init__(self, ntlm: NtlmServer) -> None:
        self._ntlm = ntlm
        self._mech_list: bytes | None = None
        self._raw = False
        self._mic_needed = False

    @staticmethod
    def hint() -> bytes:
        """The NegTokenInit2 of a NEGOTIATE response: «NTLM, if you please»."""
        return encode_init(der.encode(der.SEQUENCE, OID_NTLM), hint=True)

    def step(self, token: bytes) -> tuple[bytes, NtlmResult | None]:
        if self._mech_list is None:
            self._raw = self._raw or token.startswith(NTLM_MAGIC)
            return self._ntlm.step(token) if self._raw else self._first(token)
        response = decode_response(token)
        if response.state is NegState.REJECT or response.token is None:
            raise NtlmError("the client gave up")
        reply, result = self._ntlm.step(response.token)
        if result is None:
            return self._challenge(reply), None
        return self._complete(result, response.mic), result

    def _first(self, token: bytes) -> tuple[bytes, NtlmResult | None]:
        init = decode_init(token)
        mechanisms = init.mechanisms
        if OID_NTLM not in mechanisms:
            raise NtlmError("the client does not offer NTLM")
        self._mech_list = init.mech_list
        if mechanisms[0] != OID_NTLM:
            # The token is for the client's favourite. Choosing another one has to be proof against a
            # downgrade, so the list must be signed in the end (RFC 4178 5).
            self._mic_needed = True
            return encode_response(ResponseToken(NegState.REQUEST_MIC, OID_NTLM)), None
        if init.mech_token is None:
            return encode_response(ResponseToken(NegState.ACCEPT_INCOMPLETE, OID_NTLM)), None
        reply, _ = self._ntlm.step(init.mech_token)
        return self._challenge(reply, OID_NTLM), None

    @staticmethod
    def _challenge(reply: bytes, mechanism: bytes | None = None) -> bytes:
        return encode_response(ResponseToken(NegState.ACCEPT_INCOMPLETE, mechanism, reply))

    def _complete(self, result: NtlmResult, mic: bytes | None) -> bytes:
        if result.guest:
            return encode_response(ResponseToken(NegState.ACCEPT_COMPLETED))
        if mic is None:
            if self._mic_needed:
                raise NtlmError("the list of mechanisms is not signed")
            return encode_response(ResponseToken(NegState.ACCEPT_COMPLETED))
        mech_list = self._mech_list or b""
        if not hmac.compare_digest(mic, result.sign(mech_list, from_client=True)):
            raise NtlmError("the list of mechanisms was altered on its way")
        own = result.sign(mech_list, from_client=False)
        return encode_response(ResponseToken(NegState.ACCEPT_COMPLETED, mic=own))


class Initiator:
    """The client's end: ``begin``, ``respond`` to the challenge, ``finish`` with the server's last token."""

    _MECH_LIST = der.encode(der.SEQUENCE, OID_NTLM)

    def __init__(self, ntlm: NtlmClient) -> None:
        self._ntlm = ntlm

    @property
    def session_key(self) -> bytes:
        """16 bytes, from ``respond`` on."""
        return self._ntlm.result.session_key

    def begin(self) -> bytes:
        return encode_init(self._MECH_LIST, self._ntlm.negotiate())

    def respond(self, token: bytes) -> bytes:
        """The token that proves who we are. NtlmError: the server refuses or chose what we do not speak."""
        response = decode_response(token)
        if response.state is NegState.REJECT or response.token is None:
            raise NtlmError("the server does not accept NTLM")
        if response.mechanism not in (None, OID_NTLM):
            raise NtlmError("the server chose a mechanism that was not offered")
        authenticate, _ = self._ntlm.authenticate(response.token)
        mic = self._ntlm.result.sign(self._MECH_LIST, from_client=True)
        return encode_response(ResponseToken(token=authenticate, mic=mic))

    def finish(self, token: bytes) -> None:
        """Check what came with the server's success; an empty token says nothing. NtlmError: a wrong MIC."""
        if not token:
            return
        response = decode_response(token)
        if response.state is not NegState.ACCEPT_COMPLETED:
            raise NtlmError("the server did not complete the authentication")
        if response.mic is None:
            return
        if not hmac.compare_digest(response.mic, self._ntlm.result.sign(self._MECH_LIST, from_client=False)):
            raise NtlmError("the server's list of mechanisms was altered on its way")
