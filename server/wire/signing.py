"""Message signing (MS-SMB2 3.1.4.1): HMAC-SHA256, AES-128-CMAC, AES-128-GMAC.

Owns the bytes of a signature. Must not know which key belongs to which channel: a key comes with its
algorithm, as a ``Signer``, since a bind is signed by the session's algorithm while the new channel has its
own. Called on both sides for every message.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC

from server.wire.buffers import Buffer
from server.wire.errors import WireError
from server.wire.header import NO_SIGNATURE, SIZE, Command, Flags
from server.wire.keys import SMB_3_0, SMB_3_1_1

_FLAGS_BYTE, _SIGNED = 16, int(Flags.SIGNED)
_COMMAND, _CANCEL = slice(12, 14), Command.CANCEL.to_bytes(2, "little")
_MESSAGE_ID = slice(24, 32)
_SIGNATURE = slice(48, 64)
_ROLES = [bits.to_bytes(4, "little") for bits in range(4)]


class SigningAlgorithm(IntEnum):
    """SigningAlgorithmId of the SIGNING_CAPABILITIES negotiate context (2.2.3.1.7)."""

    HMAC_SHA256 = 0
    AES_CMAC = 1
    AES_GMAC = 2


def algorithm_for(dialect: int, negotiated: SigningAlgorithm | None = None) -> SigningAlgorithm:
    """What signs in a dialect; in 3.1.1 what was ``negotiated``, AES-CMAC if nothing was."""
    if dialect < SMB_3_0:
        return SigningAlgorithm.HMAC_SHA256
    if dialect < SMB_3_1_1 or negotiated is None:
        return SigningAlgorithm.AES_CMAC
    return negotiated


class Signer:
    """A signing key with its algorithm. Holds no message state; fit for both directions.

    A message is one element of a compound with its padding, header first. ``server`` says who sends it, which
    is in the GMAC nonce.
    """

    __slots__ = ("_gmac", "algorithm", "key")

    def __init__(self, algorithm: SigningAlgorithm, key: bytes) -> None:
        if len(key) != 16:
            raise ValueError(f"a signing key has 16 bytes, not {len(key)}")
        self.algorithm = algorithm
        self.key = key
        self._gmac = AESGCM(key) if algorithm is SigningAlgorithm.AES_GMAC else None

    def __repr__(self) -> str:
        return f"Signer({self.algorithm.name})"  # never the key: this ends in logs

    def sign(self, message: bytearray | memoryview, *, server: bool, cancel: bool = False) -> None:
        """Set SIGNED and the signature, in place. ``message`` is complete: nothing in it may change after."""
        message[_FLAGS_BYTE] |= _SIGNED
        if self._gmac is None:
            message[_SIGNATURE] = self.mac([memoryview(message)], server=server, cancel=cancel)
            return
        message[_SIGNATURE] = NO_SIGNATURE
        message[_SIGNATURE] = self._gmac.encrypt(_nonce(message, server, cancel), b"", message)

    def sign_parts(
        self,
        header: bytearray,
        body: list[bytes | bytearray | memoryview],
        *,
        server: bool,
        cancel: bool = False,
    ) -> None:
        """The same for a message whose header (64 bytes or more) and payload lie apart.

        Only ``header`` changes.
        """
        header[_FLAGS_BYTE] |= _SIGNED
        pieces = [memoryview(header), *(memoryview(part) for part in body)]
        header[_SIGNATURE] = self.mac(pieces, server=server, cancel=cancel)

    def verify(self, message: bytes | bytearray | memoryview, *, server: bool) -> bool:
        """Whether the signature in ``message`` is the right one; False if it is not SIGNED at all."""
        view = memoryview(message)
        if len(view) < SIZE:
            raise WireError(f"signed message of {len(view)} bytes")
        if not view[_FLAGS_BYTE] & _SIGNED:
            return False
        cancel = view[_COMMAND] == _CANCEL
        given = bytes(view[_SIGNATURE])
        if self._gmac is None or view.readonly:
            return hmac.compare_digest(self.mac([view], server=server, cancel=cancel), given)
        view[_SIGNATURE] = NO_SIGNATURE
        right = self._gmac.encrypt(_nonce(view, server, cancel), b"", view)
        view[_SIGNATURE] = given
        return hmac.compare_digest(right, given)

    def mac(self, pieces: list[memoryview], *, server: bool, cancel: bool = False) -> bytes:
        """The 16-byte signature of a message given in pieces, the first of them holding at least the header.

        The signature field counts as zero; the payload is never copied. For GMAC this costs more than ``sign`` does.
        """
        head = pieces[0]
        fed = [head[: _SIGNATURE.start], memoryview(NO_SIGNATURE), head[_SIGNATURE.stop :], *pieces[1:]]
        return compute(self.algorithm, self.key, fed, _nonce(head, server, cancel))


def _nonce(message: Buffer, server: bool, cancel: bool) -> bytes:
    """GMAC's: the MessageId, who sends, and whether it is a CANCEL."""
    return bytes(message[_MESSAGE_ID]) + _ROLES[server | cancel << 1]


def compute(algorithm: SigningAlgorithm, key: bytes, pieces: list[memoryview], nonce: bytes) -> bytes:
    """The plain 16-byte MAC of the pieces, one after the other. ``nonce`` (12 bytes) is GMAC's alone."""
    if algorithm is SigningAlgorithm.AES_GMAC:
        seal = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
        for piece in pieces:
            seal.authenticate_additional_data(piece)
        seal.finalize()
        return seal.tag
    if algorithm is SigningAlgorithm.AES_CMAC:
        cmac = CMAC(algorithms.AES(key))
        for piece in pieces:
            cmac.update(piece)  # type: ignore[arg-type]  # typed as bytes, takes any buffer
        return cmac.finalize()
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for piece in pieces:
        digest.update(piece)
    return digest.digest()[:16]
