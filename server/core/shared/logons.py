"""Which worker has which session, and what was agreed for it: for whoever logs on anew or binds elsewhere
(MS-SMB2 3.3.1.6 GlobalSessionTable, 3.3.5.5, PreviousSessionId).

Owns the table `sessions`. Called by the core, by session setup and by the scavenger.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from server.ports.store import Store
from server.wire.signing import Signer, SigningAlgorithm

_SESSIONS = b"sessions\0"


@dataclass(frozen=True, slots=True)
class Logon:
    """`address`: the post address of the session's worker; `client`: its ClientGUID. `signing` and `key`
    (hexadecimal): of its first channel, which binds are signed with; None where nothing signs it.
    """

    address: str
    pid: int
    client: str
    dialect: int
    cipher: int
    signing: int | None = None
    key: str = field(default="", repr=False)

    @property
    def signer(self) -> Signer | None:
        if self.signing is None:
            return None
        return Signer(SigningAlgorithm(self.signing), bytes.fromhex(self.key))


def enter(store: Store, session_id: int, logon: Logon) -> None:
    with store.write() as writing:
        writing.put(_SESSIONS + _key(session_id), json.dumps(asdict(logon)).encode())


def leave(store: Store, session_id: int) -> None:
    with store.write() as writing:
        writing.delete(_SESSIONS + _key(session_id))


def find(store: Store, session_id: int) -> Logon | None:
    with store.read() as reading:
        raw = reading.get(_SESSIONS + _key(session_id))
    return None if raw is None else Logon(**json.loads(raw))


def forget(store: Store, address: str) -> None:
    """The sessions of a worker that is gone."""
    with store.write() as writing:
        for raw in [
            raw for raw, value in store.scan(writing, _SESSIONS) if json.loads(value)["address"] == address
        ]:
            writing.delete(_SESSIONS + raw)


def _key(session_id: int) -> bytes:
    return session_id.to_bytes(8, "big")
