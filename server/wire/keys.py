"""Key derivation: the preauth integrity hash and the keys of a session (MS-SMB2 3.1.4.2, 3.3.5.5.3).

Owns SP800-108 in counter mode as SMB 3.x uses it. Must not know sessions or messages: a key is bytes made of
bytes. Called by session setup on both sides.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from server.wire.errors import WireError

SMB_2_0_2 = 0x0202
SMB_2_1 = 0x0210
SMB_3_0 = 0x0300
SMB_3_0_2 = 0x0302
SMB_3_1_1 = 0x0311


@dataclass(frozen=True, slots=True)
class PreauthHash:
    """The running SHA-512 over negotiation and session setup (3.1.1). Immutable: ``update`` gives a new one.

    Starts as 64 zero bytes; a new session's value starts from its connection's, a bind's from that of the
    connection it is made on. Messages go in as sent, from header to last byte, without the length prefix.
    """

    value: bytes = bytes(64)

    def update(self, message: bytes | bytearray | memoryview) -> PreauthHash:
        digest = hashlib.sha512(self.value)
        digest.update(message)
        return PreauthHash(digest.digest())


def derive(key: bytes, label: bytes, context: bytes, length: int = 16) -> bytes:
    """SP800-108, counter mode, HMAC-SHA256, r = 32, at most one block. ``label`` brings its own NUL.

    ``length`` in bytes, up to 32.
    """
    if not 0 < length <= 32:
        raise ValueError(f"one block gives up to 32 bytes, not {length}")
    fixed = b"\x00\x00\x00\x01" + label + b"\x00" + context + (length * 8).to_bytes(4, "big")
    return hmac.digest(key, fixed, "sha256")[:length]


def base_key(gss_key: bytes) -> bytes:
    """Session.SessionKey: the first 16 bytes of the mechanism's key, zero padded (3.3.5.5.3)."""
    return gss_key[:16].ljust(16, b"\x00")


def signing_key(session_key: bytes, dialect: int, preauth: PreauthHash | None) -> bytes:
    """The 16-byte key that signs on the channel whose authentication gave ``session_key``.

    ``preauth``: the hash at the end of that authentication, for 3.1.1 (WireError without it). 2.x signs with
    the session key itself.
    """
    if dialect < SMB_3_0:
        return base_key(session_key)
    if dialect < SMB_3_1_1:
        return derive(base_key(session_key), b"SMB2AESCMAC\0", b"SmbSign\0")
    return derive(base_key(session_key), b"SMBSigningKey\0", _hash(preauth))


def application_key(session_key: bytes, dialect: int, preauth: PreauthHash | None) -> bytes:
    """The 16-byte key that named-pipe protocols see."""
    if dialect < SMB_3_0:
        return base_key(session_key)
    if dialect < SMB_3_1_1:
        return derive(base_key(session_key), b"SMB2APP\0", b"SmbRpc\0")
    return derive(base_key(session_key), b"SMBAppKey\0", _hash(preauth))


@dataclass(frozen=True, slots=True)
class EncryptionKeys:
    """Named by direction, since «encryption key» means the other one on the other side."""

    server_to_client: bytes
    client_to_server: bytes


def encryption_keys(
    session_key: bytes, dialect: int, preauth: PreauthHash | None, *, key_length: int = 16
) -> EncryptionKeys:
    """The cipher keys of a session (3.x). ``key_length`` 32 for the AES-256 ciphers, whose input is the whole
    key of the mechanism, not its first 16 bytes. They hold on all channels: a bind makes none of its own.
    """
    if dialect < SMB_3_0:
        raise WireError(f"dialect 0x{dialect:04x} has no encryption")
    if dialect < SMB_3_1_1:
        key = base_key(session_key)
        return EncryptionKeys(
            server_to_client=derive(key, b"SMB2AESCCM\0", b"ServerOut\0"),
            client_to_server=derive(key, b"SMB2AESCCM\0", b"ServerIn \0"),
        )
    key = session_key if key_length == 32 else base_key(session_key)
    context = _hash(preauth)
    return EncryptionKeys(
        server_to_client=derive(key, b"SMBS2CCipherKey\0", context, key_length),
        client_to_server=derive(key, b"SMBC2SCipherKey\0", context, key_length),
    )


def _hash(preauth: PreauthHash | None) -> bytes:
    if preauth is None:
        raise WireError("SMB 3.1.1 keys need the preauth integrity hash")
    return preauth.value
