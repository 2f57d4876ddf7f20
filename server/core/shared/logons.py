"""Which worker has which session: for whoever logs on anew elsewhere (MS-SMB2 3.3.5.5.3, PreviousSessionId).

Owns the table `sessions` (id of the session → post address of its worker). Called by the core, by session
setup and by the scavenger.
"""

from __future__ import annotations

from server.ports.store import Store

_SESSIONS = "sessions"


def enter(store: Store, session_id: int, address: str) -> None:
    with store.write() as writing:
        writing.put(_SESSIONS, _key(session_id), address.encode())


def leave(store: Store, session_id: int) -> None:
    with store.write() as writing:
        writing.delete(_SESSIONS, _key(session_id))


def owner(store: Store, session_id: int) -> str | None:
    with store.read() as reading:
        raw = reading.get(_SESSIONS, _key(session_id))
    return None if raw is None else raw.decode()


def forget(store: Store, address: str) -> None:
    """The sessions of a worker that is gone."""
    with store.write() as writing:
        for raw in [raw for raw, value in writing.scan(_SESSIONS) if value == address.encode()]:
            writing.delete(_SESSIONS, raw)


def _key(session_id: int) -> bytes:
    return session_id.to_bytes(8, "big")
