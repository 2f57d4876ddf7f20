"""Encrypted messages are those of MS-SMB2 2.2.41 and 3.1.4.3, whoever alters them is found out, no nonce is used twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.encryption import Envelope, TransformHeader, key_length
from server.wire.errors import FramingError
from server.wire.keys import EncryptionKeys, PreauthHash, encryption_keys
from server.wire.negotiate_contexts import Cipher

CIPHERS = [cipher for cipher in Cipher if cipher is not Cipher.NONE]
EVERY = pytest.mark.parametrize("cipher", CIPHERS)

# The messages that Microsoft published with its keys, of a Windows 8 (3.0) and a Windows 10 (3.1.1): a WRITE of
# «Smb3 encryption testing» and its answer.
KEY_300 = bytes.fromhex("B4546771B515F766A86735532DD6C4F0")
KEY_311 = bytes.fromhex("419FDDF34C1E001909D362AE7FB6AF79")
PREAUTH_311 = PreauthHash(
    bytes.fromhex(
        "B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDBA7DB256BA2EA30E9"
        "77F11F9B113247578E0E915C6D2A513B8F2FCA5707DC8770"
    )
)
REQUEST_300 = """
    FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A744DA3EE87000000000001001100001400E40800
    25C8FEE16605A437832D1CD52DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897996625A44C29BE5658DE2E61
    17585779E7B59FFD971278D08580D7FA899E410E910EABF5AA1DB43050B33B49182637759AC15D84BFCDF5B6B238993C0F4CF4D6
    012023F6C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB"""
WRITTEN_300 = """
    FE534D4240000100000000000900400008000000000000000400000000000000FFFE0000010000001100001400E4080000000000
    00000000000000000000000031007000170000000000000000000000150100003900000201000000390200000000000000000000
    7000000000000000536D623320656E6372797074696F6E2074657374696E67"""
ANSWER_300 = """
    FD534D42A6015530A18F6D9AFFE22AFAE8E6648486000000000000001100001400E4080050000000000001001100001400E40800
    DBF46435C5F14169293CE079E344479BF670227E49873F458672C3098DAC467DD5809F369D674091665157871483E01F7BECD020
    64EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D177309E5B"""
ANSWERED_300 = """
    FE534D4240000100000000000900210009000000000000000400000000000000FFFE0000010000001100001400E4080000000000
    00000000000000000000000011000000170000000000000000000000"""
REQUEST_311 = """
    FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C0000000087000000000001002500000000100000
    6ECDD2A7AFC7B47763057A041B8FD4DAFFE990B70C9E09D36C084E02D14EF247F8BDE38ACF6256F8B1D3B56F77FBDEB312FEA5E9
    2CBCC1ED8FB2EBBFAA75E49A4A394BB44576545567C24D4C014D47C9FBDFDAFD2C4F9B72F8D256452620A299F48E29E53D6B61D1
    C13A19E91AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8"""
WRITTEN_311 = """
    FE534D4240000100000000000900010008000000000000000500000000000000FFFE000001000000250000000010000000000000
    00000000000000000000000031007000170000000000000000000000060000000400000001000000040000000000000000000000
    7000000000000000536D623320656E6372797074696F6E2074657374696E67"""
ANSWER_311 = """
    FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B4000000000000000050000000000001002500000000100000
    26BBBF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8F2D793A815C6F6B848D69767A215841A42D400AE6DDB5F0B
    44173A014973321FDD7950DA6179159B82E03C9E18A050FF0EA1C967"""
ANSWERED_311 = """
    FE534D4240000100000000000900010001000000000000000500000000000000FFFE000001000000250000000010000000000000
    00000000000000000000000011000000170000000000000000000000"""


def ends(cipher: Cipher) -> tuple[Envelope, Envelope]:
    """(the server's, the client's)."""
    size = key_length(cipher)
    keys = EncryptionKeys(server_to_client=bytes(range(size)), client_to_server=bytes(range(1, size + 1)))
    return Envelope.of_server(cipher, 7, keys), Envelope.of_client(cipher, 7, keys)


def sealed(envelope: Envelope, message: bytes) -> bytes:
    """The PDU, its length prefix found right and taken off."""
    pdu = b"".join(envelope.seal(message))
    assert pdu[:4] == (len(pdu) - 4).to_bytes(4, "big")
    return pdu[4:]


@pytest.mark.parametrize("buffer", [bytes, bytearray])
@pytest.mark.parametrize(
    ("cipher", "dialect", "key", "asked", "written", "answer", "answered"),
    [
        (Cipher.AES_128_CCM, 0x300, KEY_300, REQUEST_300, WRITTEN_300, ANSWER_300, ANSWERED_300),
        (Cipher.AES_128_GCM, 0x311, KEY_311, REQUEST_311, WRITTEN_311, ANSWER_311, ANSWERED_311),
    ],
    ids=["3.0-CCM", "3.1.1-GCM"],
)
def test_the_published_messages(
    cipher: Cipher,
    dialect: int,
    key: bytes,
    asked: str,
    written: str,
    answer: str,
    answered: str,
    buffer: type[bytes] | type[bytearray],
) -> None:
    keys = encryption_keys(key, dialect, PREAUTH_311)
    for end, pdu, message in (
        (Envelope.of_server(cipher, 0, keys), asked, written),
        (Envelope.of_client(cipher, 0, keys), answer, answered),
    ):
        assert end.open(buffer(bytes.fromhex(pdu))) == bytes.fromhex(message)


@EVERY
@pytest.mark.parametrize("size", [64, 16 * 1024 - 1, 16 * 1024, 1 << 20])
def test_large_and_small_are_opened_alike_and_stay_as_they_came(cipher: Cipher, size: int) -> None:
    server, client = ends(cipher)
    message = (bytes(range(251)) * (size // 251 + 1))[:size]
    pdu = bytearray(sealed(server, message))
    with memoryview(pdu):  # whoever receives may still hold the buffer
        assert client.open(pdu) == message
        assert client.open(pdu) == message
        pdu[-1] ^= 1
        with pytest.raises(FramingError, match="altered"):
            client.open(pdu)


@EVERY
@given(message=st.binary(min_size=64, max_size=300))
def test_what_is_sealed_is_opened_by_the_other_end_alone(cipher: Cipher, message: bytes) -> None:
    server, client = ends(cipher)
    for sender, receiver in ((server, client), (client, server)):
        pdu = sealed(sender, message)
        header = TransformHeader.decode(pdu)
        assert (header.size, header.session_id) == (len(message), 7)
        assert receiver.open(pdu) == message
        with pytest.raises(FramingError, match="altered"):
            sender.open(pdu)


@EVERY
@given(data=st.data())
def test_one_altered_bit_is_found_out(cipher: Cipher, data: st.DataObject) -> None:
    server, client = ends(cipher)
    pdu = bytearray(sealed(server, bytes(80)))
    position = data.draw(st.integers(0, 8 * len(pdu) - 1))
    pdu[position // 8] ^= 1 << position % 8
    with pytest.raises(FramingError):
        client.open(pdu)


@given(garbage=st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    server, _ = ends(Cipher.AES_128_GCM)
    for pdu in (garbage, b"\xfdSMB" + garbage):
        with pytest.raises(FramingError):
            server.open(pdu)


@EVERY
def test_no_nonce_is_used_twice(cipher: Cipher) -> None:
    server, _ = ends(cipher)
    used = 11 if "CCM" in cipher.name else 12
    nonces = {TransformHeader.decode(sealed(server, bytes(64))).nonce[:used] for _ in range(1000)}
    assert len(nonces) == 1000


def test_neither_end_shows_its_keys() -> None:
    assert repr(ends(Cipher.AES_256_GCM)[0]) == "Envelope(AES_256_GCM)"
