"""NTLMv2: who knows the password gets in with the key that both sides have, and nobody else does."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import MalformedError, WireError
from server.wire.legacy import md4, rc4
from server.wire.ntlm import NtlmClient, NtlmError, NtlmServer, nt_hash, ntowf_v2
from server.wire.ntlm_messages import (
    MIC_OFFSET,
    Authenticate,
    AvId,
    Challenge,
    Negotiate,
    NegotiateFlags,
    decode_av_pairs,
)

USERS = {"alice": nt_hash("secret"), "Böb": nt_hash("pässword")}


def exchange(user: str, password: str, domain: str = "") -> tuple[NtlmClient, NtlmServer, bytes]:
    client, server = NtlmClient(user, password, domain), NtlmServer(USERS, "srv")
    challenge, none = server.step(client.negotiate())
    assert none is None
    authenticate, _ = client.authenticate(challenge)
    return client, server, authenticate


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_is_that_of_rfc_1320(text: bytes, digest: str) -> None:
    assert md4(text).hex() == digest


def test_rc4_is_rc4() -> None:
    assert rc4(b"Key", b"Plaintext").hex() == "bbf316e8d940af0ad3"
    assert rc4(b"Wiki", rc4(b"Wiki", b"pedia")) == b"pedia"


def test_the_vectors_of_ms_nlmp_4_2() -> None:
    assert nt_hash("Password").hex() == "a4f49c406510bdcab6824ee7c30fd852"
    assert ntowf_v2(nt_hash("Password"), "User", "Domain").hex() == "0c868a403bfd7a93a3001ef22ef02e3f"


@pytest.mark.parametrize(
    ("user", "password", "domain", "account"),
    [
        ("alice", "secret", "", "alice"),
        ("ALICE", "secret", "SOME.DOMAIN", "alice"),
        ("bÖB", "pässword", "WORKGROUP", "Böb"),
    ],
)
def test_both_sides_end_with_the_same_key(user: str, password: str, domain: str, account: str) -> None:
    client, server, authenticate = exchange(user, password, domain)
    reply, result = server.step(authenticate)
    assert reply == b""
    assert result is not None
    assert (result.user, result.domain) == (account, domain)
    assert result.session_key == client.result.session_key
    assert len(result.session_key) == 16
    for from_client in (True, False):
        ours = client.result.sign(b"list", from_client=from_client)
        assert result.sign(b"list", from_client=from_client) == ours
    assert result.session_key.hex() not in repr(result)


@pytest.mark.parametrize(("user", "password"), [("alice", "Secret"), ("alice", ""), ("mallory", "secret")])
def test_a_wrong_password_and_an_unknown_user_look_alike(user: str, password: str) -> None:
    _, server, authenticate = exchange(user, password)
    with pytest.raises(NtlmError, match="wrong user or password"):
        server.step(authenticate)


def test_a_challenge_is_good_for_one_answer() -> None:
    _, server, authenticate = exchange("alice", "wrong")
    with pytest.raises(NtlmError):
        server.step(authenticate)
    with pytest.raises(MalformedError):
        server.step(authenticate)


@given(data=st.data())
def test_the_mic_covers_every_byte_of_the_answer(data: st.DataObject) -> None:
    _, server, authenticate = exchange("alice", "secret")
    at = data.draw(st.integers(0, len(authenticate) - 1))
    altered = bytearray(authenticate)
    altered[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        server.step(bytes(altered))


def test_the_mic_covers_what_went_before() -> None:
    """Somebody in between strips the client's wish for 128-bit keys from its first message."""
    client, server = NtlmClient("alice", "secret"), NtlmServer(USERS, "srv")
    weaker = Negotiate.build(Negotiate.decode(client.negotiate()).flags & ~NegotiateFlags.KEY_128)
    challenge, _ = server.step(weaker.raw)
    authenticate, _ = client.authenticate(challenge)
    with pytest.raises(NtlmError, match="MIC"):
        server.step(authenticate)


def test_the_blob_is_proven_as_it_came_whatever_follows_its_av_pairs() -> None:
    """Samba's clients leave out the four reserved bytes at the end: rebuilt, their proof would not match."""
    import hmac

    client, server = NtlmClient("alice", "secret"), NtlmServer(USERS, "srv")
    token, _ = server.step(client.negotiate())
    full = Authenticate.decode(client.authenticate(token)[0])
    challenge = Challenge.decode(token)
    blob = full.nt_response[16:-4]
    assert decode_av_pairs(blob[28:]), "still a complete list"
    key = ntowf_v2(USERS["alice"], "alice", "")
    proof = hmac.digest(key, challenge.server_challenge + blob, "md5")
    exported = bytes(range(16))
    message = Authenticate.build(
        full.flags,
        user="alice",
        domain="",
        workstation="",
        lm_response=b"",
        nt_response=proof + blob,
        encrypted_key=rc4(hmac.digest(key, proof, "md5"), exported),
    )
    mic = hmac.digest(exported, client.negotiate() + token + message.without_mic, "md5")
    _, result = server.step(message.with_mic(mic))
    assert result is not None
    assert result.session_key == exported


def test_without_a_mic_flag_no_mic_is_asked_for() -> None:
    """Older clients have none, and it is the blob, which the proof covers, that says so."""
    import hmac

    server = NtlmServer(USERS, "srv")
    token, _ = server.step(Negotiate.build(NegotiateFlags.UNICODE | NegotiateFlags.NTLM).raw)
    challenge = Challenge.decode(token)
    blob = struct.pack("<BB6xQ8s4x", 1, 1, 0, bytes(8)) + bytes(4)
    proof = hmac.digest(ntowf_v2(USERS["alice"], "alice", ""), challenge.server_challenge + blob, "md5")
    message = Authenticate.build(
        challenge.flags,
        user="alice",
        domain="",
        workstation="",
        lm_response=b"",
        nt_response=proof + blob,
        encrypted_key=b"",
    )
    _, result = server.step(message.raw)
    assert result is not None
    assert result.user == "alice"


def test_ntlmv1_is_refused() -> None:
    _, server, authenticate = exchange("alice", "secret")
    message = Authenticate.decode(authenticate)
    old = Authenticate.build(
        message.flags,
        user="alice",
        domain="",
        workstation="",
        lm_response=bytes(24),
        nt_response=bytes(24),
        encrypted_key=b"",
    )
    with pytest.raises(NtlmError, match="NTLMv2"):
        server.step(old.raw)


def test_av_pairs_that_lead_out_of_the_blob_are_malformed_whatever_was_proven() -> None:
    _, server, authenticate = exchange("alice", "secret")
    at = authenticate.index(Authenticate.decode(authenticate).nt_response) + 16 + 28
    broken = authenticate[: at + 2] + b"\xff\xff" + authenticate[at + 4 :]
    with pytest.raises(MalformedError):
        server.step(broken)


@pytest.mark.parametrize(("user", "lets_in"), [("stranger", True), ("alice", False)])
def test_who_is_not_known_is_a_guest_where_guests_are_let_in(user: str, lets_in: bool) -> None:
    client, server = NtlmClient(user, "wrong"), NtlmServer(USERS, "srv", allow_guests=True)
    challenge, _ = server.step(client.negotiate())
    authenticate, _ = client.authenticate(challenge)
    if not lets_in:
        with pytest.raises(NtlmError):
            server.step(authenticate)
        return
    _, result = server.step(authenticate)
    assert result is not None
    assert (result.guest, result.user, result.session_key) == (True, "", bytes(16))


@pytest.mark.parametrize("allowed", [False, True])
def test_anonymous_only_where_it_is_allowed(allowed: bool) -> None:
    server = NtlmServer(USERS, "srv", allow_anonymous=allowed)
    server.step(NtlmClient("", "").negotiate())
    nobody = Authenticate.build(
        NegotiateFlags.UNICODE | NegotiateFlags.ANONYMOUS,
        user="",
        domain="",
        workstation="",
        lm_response=b"\0",
        nt_response=b"",
        encrypted_key=b"",
    )
    if not allowed:
        with pytest.raises(NtlmError, match="anonymous"):
            server.step(nobody.raw)
        return
    _, result = server.step(nobody.raw)
    assert result is not None
    assert result.anonymous
    assert result.session_key == bytes(16)


def test_the_challenge_names_the_server_and_the_time() -> None:
    server = NtlmServer(USERS, "srv", random_bytes=bytes, now=lambda: 0x0102)
    token, _ = server.step(NtlmClient("alice", "secret").negotiate())
    challenge = Challenge.decode(token)
    assert challenge.target_name == "SRV"
    assert challenge.target_info[AvId.TIMESTAMP] == struct.pack("<Q", 0x0102)
    assert challenge.server_challenge == bytes(8)


@given(st.binary(max_size=120), st.integers(1, 3))
def test_any_bytes_are_a_message_or_a_wire_error(tail: bytes, message_type: int) -> None:
    data = b"NTLMSSP\0" + struct.pack("<I", message_type) + tail
    for decode in (Negotiate.decode, Challenge.decode, Authenticate.decode):
        try:
            decode(data)
        except WireError:
            continue
    assert MIC_OFFSET == 72
