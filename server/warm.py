"""What every worker does in its first moments, done once before they are forked: what a library looks up at its first
use, and what the interpreter adapts to its use, is then theirs from the start.

Called before the zygote is forked. Keeps nothing.
"""

from __future__ import annotations

from server.wire.encryption import Envelope, key_length
from server.wire.keys import PreauthHash, encryption_keys, signing_key
from server.wire.negotiate import Dialect
from server.wire.negotiate_contexts import Cipher
from server.wire.ntlm import NtlmClient, NtlmServer, nt_hash
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.spnego import Acceptor, Initiator

_TIMES = 8
"""After so many an interpreter has adapted (PEP 659)."""


def up() -> None:
    """Log somebody on, sign and encrypt, with nobody there."""
    users = {"somebody": nt_hash("")}
    for _ in range(_TIMES):
        key = _log_on(users)
        preauth = PreauthHash().update(bytes(64))
        for algorithm in SigningAlgorithm:
            message = bytearray(128)
            signer = Signer(algorithm, signing_key(key, Dialect.SMB_3_1_1, preauth))
            signer.sign(message, server=False)
            signer.verify(message, server=False)
        for cipher in set(Cipher) - {Cipher.NONE}:
            keys = encryption_keys(key, Dialect.SMB_3_1_1, preauth, key_length=key_length(cipher))
            Envelope.of_server(cipher, 1, keys).seal(bytes(128))


def _log_on(users: dict[str, bytes]) -> bytes:
    acceptor = Acceptor(NtlmServer(users, "SERVER"))
    initiator = Initiator(NtlmClient("somebody", ""))
    challenge, _ = acceptor.step(initiator.begin())
    last, _ = acceptor.step(initiator.respond(challenge))
    initiator.finish(last)
    return initiator.session_key
