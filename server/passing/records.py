"""Client records: ClientGUID → the process that owns it.
 Owns the table `clients` in the store. A record is written before the first connection of a client is handed
over, and deleted by its owner when that ends, or by whoever finds the owner dead; each of them only if the
record is still the one they know. Called by the acceptor and the workers.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass

from server.ports.store import Store, Writing

_TABLE = b"clients\0"


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """`address`: the owner's post address, never used twice. `connect_time`: ns since 1970, of the first
    connection.
    """

    address: str
    pid: int
    connect_time: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, raw: bytes) -> ClientRecord:
        return cls(**json.loads(raw))


def owner(store: Store, guid: uuid.UUID) -> ClientRecord | None:
    with store.read() as reading:
        return _get(reading.get(_TABLE + guid.bytes))


def claim(store: Store, guid: uuid.UUID, wanted: ClientRecord) -> tuple[ClientRecord, bool]:
    """The record that stands, and whether it is `wanted`: of two that try, one becomes the owner."""
    with store.write() as writing:
        found = _get(writing.get(_TABLE + guid.bytes))
        if found is not None:
            return found, False
        writing.put(_TABLE + guid.bytes, wanted.encode())
        return wanted, True


def release(store: Store, guid: uuid.UUID, record: ClientRecord) -> bool:
    """Delete that record. False: it was not there any more, or is another's by now."""
    with store.write() as writing:
        return _release(writing, guid, record)


def forget(store: Store, address: str) -> None:
    """The clients of a worker that is gone."""
    with store.write() as writing:
        for guid in [
            raw for raw, value in store.scan(writing, _TABLE) if ClientRecord.decode(value).address == address
        ]:
            writing.delete(_TABLE + guid)


def _release(writing: Writing, guid: uuid.UUID, record: ClientRecord) -> bool:
    if _get(writing.get(_TABLE + guid.bytes)) != record:
        return False
    return writing.delete(_TABLE + guid.bytes)


def _get(raw: bytes | None) -> ClientRecord | None:
    return None if raw is None else ClientRecord.decode(raw)
