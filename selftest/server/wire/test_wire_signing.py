"""Signatures are those of MS-SMB2 3.1.4.1, cover every byte but their own, and say who sent the message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import WireError
from server.wire.header import Command, Flags, Header
from server.wire.signing import Signer, SigningAlgorithm, algorithm_for, compute

KEY = bytes(range(16))
EVERY = pytest.mark.parametrize("algorithm", list(SigningAlgorithm))


def message(command: Command = Command.WRITE, body: bytes = b"body " * 30) -> bytearray:
    return bytearray(Header(command, message_id=7, session_id=0x1122).encode() + body)


@pytest.mark.parametrize(
    ("algorithm", "nonce_bits", "expected"),
    [
        (SigningAlgorithm.HMAC_SHA256, 0, "e0c723677ca44416485805cd4478cae2"),
        (SigningAlgorithm.AES_CMAC, 0, "6b00056b615a68d4efa8c2cdb9ab0b09"),
        (SigningAlgorithm.AES_GMAC, 0, "dd4491aa1264187a5d930bffffc92b61"),
        (SigningAlgorithm.AES_GMAC, 1, "7c5c5f6d9fda369494bd2f3f9937f03c"),
        (SigningAlgorithm.AES_GMAC, 2, "6e635bd470c682e3284edef731f0957e"),
    ],
)
def test_the_vectors(algorithm: SigningAlgorithm, nonce_bits: int, expected: str) -> None:
    """Key 00..0f, message 00..3f, MessageId 7; however the message is cut."""
    data = memoryview(bytes(range(64)))
    nonce = (7).to_bytes(8, "little") + nonce_bits.to_bytes(4, "little")
    for cut in (0, 1, 48, 64):
        assert compute(algorithm, KEY, [data[:cut], data[cut:]], nonce).hex() == expected


@EVERY
@pytest.mark.parametrize(
    ("server", "cancel", "bits"), [(False, False, 0), (True, False, 1), (False, True, 2)]
)
def test_the_signature_counts_as_zero(
    algorithm: SigningAlgorithm, server: bool, cancel: bool, bits: int
) -> None:
    unsigned = message()
    garbage = bytearray(unsigned)
    garbage[48:64] = b"x" * 16
    nonce = (7).to_bytes(8, "little") + bits.to_bytes(4, "little")
    expected = compute(algorithm, KEY, [memoryview(unsigned)], nonce)
    assert Signer(algorithm, KEY).mac([memoryview(garbage)], server=server, cancel=cancel) == expected


@EVERY
@given(data=st.data())
def test_any_changed_byte_is_noticed(algorithm: SigningAlgorithm, data: st.DataObject) -> None:
    signer = Signer(algorithm, KEY)
    signed = message(body=data.draw(st.binary(max_size=80)))
    signer.sign(signed, server=False)
    assert Header.decode(signed).flags & Flags.SIGNED
    assert signer.verify(signed, server=False)
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= data.draw(st.integers(1, 255))
    assert not signer.verify(signed, server=False)


def test_gmac_tells_the_sides_apart_and_a_cancel_from_the_request_it_cancels() -> None:
    signer = Signer(SigningAlgorithm.AES_GMAC, KEY)
    signed = message()
    signer.sign(signed, server=True)
    assert signer.verify(signed, server=True)
    assert not signer.verify(signed, server=False)
    cancel = message(Command.CANCEL)
    signer.sign(cancel, server=False, cancel=True)
    assert signer.verify(cancel, server=False), "verify knows a CANCEL by its command"
    signer.sign(cancel, server=False)
    assert not signer.verify(cancel, server=False)


@EVERY
def test_a_message_in_parts_is_signed_as_one(algorithm: SigningAlgorithm) -> None:
    signer = Signer(algorithm, KEY)
    whole = message(body=bytes(range(100)))
    signer.sign(whole, server=False)
    head = bytearray(message(body=bytes(range(10))))
    tail = bytes(range(10, 100))
    signer.sign_parts(head, [tail], server=False)
    assert bytes(head) + tail == whole


def test_an_unsigned_message_never_verifies() -> None:
    assert not Signer(SigningAlgorithm.AES_CMAC, KEY).verify(message(), server=False)
    with pytest.raises(WireError):
        Signer(SigningAlgorithm.AES_CMAC, KEY).verify(b"short", server=False)


def test_the_key_is_not_shown() -> None:
    assert KEY.hex() not in repr(Signer(SigningAlgorithm.AES_CMAC, KEY))


def test_which_algorithm_signs() -> None:
    assert algorithm_for(0x0210, SigningAlgorithm.AES_GMAC) is SigningAlgorithm.HMAC_SHA256
    assert algorithm_for(0x0302) is SigningAlgorithm.AES_CMAC
    assert algorithm_for(0x0311) is SigningAlgorithm.AES_CMAC
    assert algorithm_for(0x0311, SigningAlgorithm.AES_GMAC) is SigningAlgorithm.AES_GMAC


@EVERY
def test_looking_leaves_the_message_as_it_is(algorithm: SigningAlgorithm) -> None:
    """One that may be written to is looked at in place; one that may not gives the same answer."""
    signer, whole = Signer(algorithm, KEY), message()
    signer.sign(whole, server=True)
    before = bytes(whole)
    assert signer.verify(whole, server=True)
    assert signer.verify(before, server=True)
    assert whole == before
    whole[-1] ^= 1
    assert not signer.verify(whole, server=True)
