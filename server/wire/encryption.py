"""Encrypted messages: SMB2 TRANSFORM_HEADER and the four ciphers (MS-SMB2 2.2.41, 3.1.4.3, 3.3.5.2.1.1).

Owns the bytes of an encrypted PDU and the nonces of its sender. Must not know connections: a session's `Envelope`
serves all its channels, and with it goes the promise that no nonce comes twice under one key. Called on both
sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

from server.wire.buffers import Buffer
from server.wire.errors import FramingError
from server.wire.framing import prefix
from server.wire.header import MAGIC_ENCRYPTED, SIZE
from server.wire.keys import EncryptionKeys
from server.wire.negotiate_contexts import Cipher

_LAYOUT = Struct("<4s16s16sIHHQ")
_AUTHENTICATED = slice(20, _LAYOUT.size)
_TAG = 16
_LARGE = 16 * 1024
"""Bytes from which on a copy costs more than a decryption that is set up for this message alone."""
_ENCRYPTED = 1
_NONCE_SIZES = {
    Cipher.AES_128_CCM: 11,
    Cipher.AES_128_GCM: 12,
    Cipher.AES_256_CCM: 11,
    Cipher.AES_256_GCM: 12,
}


def key_length(cipher: Cipher) -> int:
    """Bytes of a key of that cipher."""
    return 32 if cipher in (Cipher.AES_256_CCM, Cipher.AES_256_GCM) else 16


@dataclass(frozen=True, slots=True)
class TransformHeader:
    """`nonce` has 16 bytes, of which a cipher uses the first. `size`: bytes of the message inside."""

    signature: bytes
    nonce: bytes
    size: int
    session_id: int

    @classmethod
    def decode(cls, pdu: Buffer) -> TransformHeader:
        """FramingError: not one, or what follows it is not the message that it announces."""
        if len(pdu) < _LAYOUT.size + SIZE:
            raise FramingError(f"an encrypted message of {len(pdu)} bytes")
        magic, signature, nonce, size, _, flags, session_id = _LAYOUT.unpack_from(pdu)
        if magic != MAGIC_ENCRYPTED or flags != _ENCRYPTED:
            raise FramingError(f"an encrypted message with flags 0x{flags:04x}")
        if size != len(pdu) - _LAYOUT.size:
            raise FramingError(f"an encrypted message of {size} bytes in {len(pdu) - _LAYOUT.size}")
        return cls(signature, nonce, size, session_id)

    def encode(self) -> bytes:
        return _LAYOUT.pack(
            MAGIC_ENCRYPTED, self.signature, self.nonce, self.size, 0, _ENCRYPTED, self.session_id
        )


class Envelope:
    """What encrypts and decrypts the messages of one session, on all its channels.

    The nonce counts the messages sent, which is why there is one envelope a session and never two.
    """

    __slots__ = ("_algorithm", "_opening", "_sealing", "_sent", "cipher", "session_id")

    def __init__(self, cipher: Cipher, session_id: int, *, sealing: bytes, opening: bytes) -> None:
        self.cipher = cipher
        self.session_id = session_id
        self._sealing, self._opening = _aead(cipher, sealing), _aead(cipher, opening)
        self._algorithm = ciphers.algorithms.AES(opening)
        self._sent = 0

    def __repr__(self) -> str:
        return f"Envelope({self.cipher.name})"  # never the keys: this ends in logs

    @classmethod
    def of_server(cls, cipher: Cipher, session_id: int, keys: EncryptionKeys) -> Envelope:
        return cls(cipher, session_id, sealing=keys.server_to_client, opening=keys.client_to_server)

    @classmethod
    def of_client(cls, cipher: Cipher, session_id: int, keys: EncryptionKeys) -> Envelope:
        return cls(cipher, session_id, sealing=keys.client_to_server, opening=keys.server_to_client)

    def seal(self, message: Buffer) -> list[Buffer]:
        """The parts of a framed PDU with that message, or compound, encrypted in it."""
        self._sent += 1
        nonce = self._sent.to_bytes(16, "little")
        header = bytearray(TransformHeader(bytes(_TAG), nonce, len(message), self.session_id).encode())
        sealed = memoryview(
            self._sealing.encrypt(nonce[: _NONCE_SIZES[self.cipher]], message, header[_AUTHENTICATED])
        )
        header[4:20] = sealed[-_TAG:]
        return [prefix(len(header) + len(message)) + header, sealed[:-_TAG]]

    def open(self, pdu: bytes | bytearray) -> bytes:
        """The message in an encrypted PDU. FramingError: it was not made by who has the key."""
        header = TransformHeader.decode(pdu)
        nonce, sealed = header.nonce[: _NONCE_SIZES[self.cipher]], memoryview(pdu)[_LAYOUT.size :]
        try:
            if header.size >= _LARGE and isinstance(self._opening, AESGCM):
                return self._open_large(nonce, header.signature, bytes(pdu[_AUTHENTICATED]), sealed)
            return self._opening.decrypt(nonce, b"".join((sealed, header.signature)), pdu[_AUTHENTICATED])
        except InvalidTag:
            raise FramingError("an encrypted message that was altered, or of another key") from None

    def _open_large(self, nonce: bytes, tag: bytes, authenticated: bytes, sealed: memoryview) -> bytes:
        """GCM can be given the tag apart: not a byte is moved."""
        opener = ciphers.Cipher(self._algorithm, ciphers.modes.GCM(nonce, tag)).decryptor()
        opener.authenticate_additional_data(authenticated)
        message = opener.update(sealed)
        opener.finalize()
        return message


def _aead(cipher: Cipher, key: bytes) -> AESCCM | AESGCM:
    if len(key) != key_length(cipher):
        raise ValueError(f"a key of {len(key)} bytes for {cipher.name}")
    return AESGCM(key) if cipher in (Cipher.AES_128_GCM, Cipher.AES_256_GCM) else AESCCM(key)
