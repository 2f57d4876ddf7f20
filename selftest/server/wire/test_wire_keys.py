"""Keys come out as MS-SMB2 3.1.4.2 and real peers have them, for each dialect."""

from __future__ import annotations

import hashlib

import pytest

from server.wire.errors import WireError
from server.wire.keys import PreauthHash, application_key, derive, encryption_keys, signing_key

KEY = bytes(range(16))
PREAUTH = PreauthHash(bytes(range(64)))


def test_smb_3_1_1_keys_hang_on_the_preauth_hash() -> None:
    assert signing_key(KEY, 0x0311, PREAUTH).hex() == "f7e5401ecc6e79ef9eab401b05004e4f"
    assert application_key(KEY, 0x0311, PREAUTH).hex() == "3b37360639dd593424d252bd73a0c0ff"
    keys = encryption_keys(KEY, 0x0311, PREAUTH)
    assert keys.server_to_client.hex() == "99676aedfbfd18e61ca5bb60d502e8f2"
    assert keys.client_to_server.hex() == "f1b6250ca4d9f8877e41071f59228ce4"
    assert encryption_keys(KEY, 0x0311, PREAUTH, key_length=32).server_to_client.hex() == (
        "7a55e2deed408102591fdea4192f54895bd7e4c879d11927493898b42c8a9ccd"
    )


def test_smb_3_0_keys_hang_on_fixed_contexts() -> None:
    assert signing_key(KEY, 0x0300, None).hex() == "6234814cbb8ea9227440ebfeb5eacbe1"
    assert application_key(KEY, 0x0302, None).hex() == "2061e31cbe99e5c6493e3fbbd4faf495"
    keys = encryption_keys(KEY, 0x0300, None)
    assert keys.server_to_client.hex() == "95d8b55c852cd25349994b3842fa4105"
    assert keys.client_to_server.hex() == "8e21f3cae16d07d84c03d74467f57878"


def test_smb_2_signs_with_the_session_key_itself() -> None:
    assert signing_key(KEY + b"more", 0x0210, None) == KEY
    assert signing_key(b"short", 0x0202, None) == b"short" + bytes(11)


def test_3_1_1_without_its_hash_is_refused_not_guessed() -> None:
    with pytest.raises(WireError, match="preauth"):
        signing_key(KEY, 0x0311, None)
    with pytest.raises(WireError):
        encryption_keys(KEY, 0x0210, None)


def test_the_hash_chains_and_leaves_the_value_it_grew_from() -> None:
    start = PreauthHash()
    one = start.update(b"negotiate request")
    two = one.update(memoryview(b"negotiate response"))
    assert start.value == bytes(64)
    assert one.value == hashlib.sha512(bytes(64) + b"negotiate request").digest()
    assert two.value == hashlib.sha512(one.value + b"negotiate response").digest()


def test_derive_refuses_more_than_one_block() -> None:
    with pytest.raises(ValueError, match="one block"):
        derive(KEY, b"label\0", b"", 33)
