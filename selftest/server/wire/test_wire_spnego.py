"""SPNEGO round NTLM: the orders in which real clients send their tokens, and what must not get through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire import der
from server.wire.errors import WireError
from server.wire.ntlm import NtlmClient, NtlmError, NtlmServer, nt_hash
from server.wire.spnego import (
    OID_NTLM,
    Acceptor,
    Initiator,
    NegState,
    ResponseToken,
    decode_init,
    decode_response,
    encode_init,
    encode_response,
)

USERS = {"alice": nt_hash("secret")}
OID_KERBEROS = der.encode_oid("1.2.840.113554.1.2.2")
ONLY_NTLM = der.encode(der.SEQUENCE, OID_NTLM)
KERBEROS_FIRST = der.encode(der.SEQUENCE, OID_KERBEROS, OID_NTLM)


def acceptor() -> Acceptor:
    return Acceptor(NtlmServer(USERS, "srv"))


def test_initiator_and_acceptor_agree_and_prove_the_list_both_ways() -> None:
    server, client = acceptor(), Initiator(NtlmClient("alice", "secret"))
    challenge, none = server.step(client.begin())
    assert none is None
    assert decode_response(challenge).state is NegState.ACCEPT_INCOMPLETE
    assert decode_response(challenge).mechanism == OID_NTLM
    last, result = server.step(client.respond(challenge))
    assert result is not None
    assert result.session_key == client.session_key
    assert decode_response(last).mic is not None
    client.finish(last)


def test_raw_ntlmssp_is_answered_raw() -> None:
    server, client = acceptor(), NtlmClient("alice", "secret")
    challenge, _ = server.step(client.negotiate())
    reply, result = server.step(client.authenticate(challenge)[0])
    assert reply == b""
    assert result is not None


def test_a_client_without_a_mic_gets_none() -> None:
    server, client = acceptor(), NtlmClient("alice", "secret")
    challenge, _ = server.step(encode_init(ONLY_NTLM, client.negotiate()))
    token, _ = client.authenticate(decode_response(challenge).token or b"")
    last, result = server.step(encode_response(ResponseToken(token=token)))
    assert result is not None
    assert decode_response(last) == ResponseToken(NegState.ACCEPT_COMPLETED)


def test_a_client_that_would_rather_have_kerberos_must_sign_its_list() -> None:
    """Its optimistic token is not for NTLM, so it is asked again, and for the MIC (RFC 4178 5)."""
    for signs in (True, False):
        server, client = acceptor(), NtlmClient("alice", "secret")
        reply, _ = server.step(encode_init(KERBEROS_FIRST, b"some AP-REQ"))
        assert decode_response(reply) == ResponseToken(NegState.REQUEST_MIC, OID_NTLM)
        challenge, _ = server.step(encode_response(ResponseToken(token=client.negotiate())))
        token, _ = client.authenticate(decode_response(challenge).token or b"")
        mic = client.result.sign(KERBEROS_FIRST, from_client=True) if signs else None
        final = encode_response(ResponseToken(token=token, mic=mic))
        if signs:
            _, result = server.step(final)
            assert result is not None
        else:
            with pytest.raises(NtlmError, match="not signed"):
                server.step(final)


def test_a_list_altered_on_its_way_is_noticed_by_either_side() -> None:
    server, client = acceptor(), NtlmClient("alice", "secret")
    offered = der.encode(der.SEQUENCE, OID_NTLM, OID_KERBEROS)
    challenge, _ = server.step(encode_init(offered, client.negotiate()))
    token, _ = client.authenticate(decode_response(challenge).token or b"")
    mic = client.result.sign(KERBEROS_FIRST, from_client=True)
    with pytest.raises(NtlmError, match="altered"):
        server.step(encode_response(ResponseToken(token=token, mic=mic)))

    initiator = Initiator(NtlmClient("alice", "secret"))
    challenge, _ = (honest := acceptor()).step(initiator.begin())
    honest.step(initiator.respond(challenge))
    with pytest.raises(NtlmError, match="altered"):
        initiator.finish(encode_response(ResponseToken(NegState.ACCEPT_COMPLETED, mic=bytes(16))))


def test_no_common_mechanism_is_a_logon_failure() -> None:
    with pytest.raises(NtlmError, match="does not offer NTLM"):
        acceptor().step(encode_init(der.encode(der.SEQUENCE, OID_KERBEROS), b"AP-REQ"))


def test_the_initiator_takes_no_for_an_answer() -> None:
    client = Initiator(NtlmClient("alice", "secret"))
    client.begin()
    with pytest.raises(NtlmError):
        client.respond(encode_response(ResponseToken(NegState.REJECT)))


def test_the_hint_offers_ntlm() -> None:
    hint = decode_init(Acceptor.hint())
    assert hint.mechanisms == [OID_NTLM]
    assert hint.mech_token is None


def test_long_lengths_survive() -> None:
    for size in (0, 127, 128, 255, 256, 70_000):
        assert der.expect(der.encode(der.OCTET_STRING, bytes(size)), der.OCTET_STRING) == bytes(size)
    assert der.encode_oid("1.3.6.1.4.1.311.2.2.10").hex() == "060a2b06010401823702020a"


@given(st.binary(max_size=100))
def test_any_bytes_are_a_token_or_a_wire_error(data: bytes) -> None:
    real = acceptor().step(Initiator(NtlmClient("alice", "secret")).begin())[0]
    for candidate in (data, real[: len(data)] + data, b"\x60\x82\x00\x40" + data):
        for decode in (decode_init, decode_response):
            try:
                decode(candidate)
            except WireError:
                continue
