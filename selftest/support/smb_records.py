"""What is wrong with the records of a running server: those of processes that are gone, and those that lead nowhere.

Reads the tables as any process of the server would. To be asked when the server has settled, and by a process that has
no other business with that store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from server.core.notify import WATCHES
from server.core.shared import ranges
from server.core.shared.records import NOBODY, FileRecord, unpack_key
from server.core.shared.table import DIRECTORIES, DURABLE, FILES, LEASES, LOCKS, ORPHANS
from server.ports.store import Reading, Store
from server.posix.store import LmdbStore


def stale(runtime: Path) -> list[str]:
    """A sentence for each. `runtime` is the server's runtime directory."""
    living = {
        Path(line.split()[7]).name
        for line in Path("/proc/net/unix").read_text().splitlines()
        if f"{runtime}/post/" in line
    }
    store = LmdbStore(runtime / "store")
    try:
        with store.read() as reading:
            left = [path.name for path in (runtime / "post").iterdir() if path.name not in living]
            return [*(f"post {name}: its process is gone" for name in left), *_wrong(store, reading, living)]
    finally:
        store.close()


def counts(runtime: Path) -> dict[str, int]:
    """How many records there are in each table that says who has what."""
    store = LmdbStore(runtime / "store")
    try:
        with store.read() as reading:
            return {
                table.decode().rstrip("\0"): sum(1 for _ in store.scan(reading, table))
                for table in (b"sessions\0", FILES, ORPHANS, LEASES, LOCKS, DURABLE, DIRECTORIES, WATCHES)
            }
    finally:
        store.close()


def _wrong(store: Store, reading: Reading, living: set[str]) -> Iterator[str]:
    for table in (b"clients\0", b"sessions\0"):
        for key, raw in store.scan(reading, table):
            if json.loads(raw)["address"] not in living:
                yield f"{table!r} {key.hex()}: its process is gone"
    for raw, _ in store.scan(reading, WATCHES):
        if not any(address.encode() in raw for address in living):
            yield f"watch {raw!r}: its process is gone"
    files = {key: FileRecord.decode(raw) for key, raw in store.scan(reading, FILES)}
    orphans = {key for key, _ in store.scan(reading, ORPHANS)}
    for key, file in files.items():
        yield from _wrong_file(key, file, living, orphans)
    for key in orphans:
        number, file = int.from_bytes(key[16:], "big"), files.get(key[:16])
        if file is None or number not in file.opens:
            yield f"orphan {key.hex()}: there is no such open"
    for raw, key in store.scan(reading, LEASES):
        if key not in files or raw.decode() not in files[key].grants:
            yield f"lease {raw.decode()}: nobody has it"
    for raw, key in store.scan(reading, DURABLE):
        if key not in files or int.from_bytes(raw, "big") not in files[key].opens:
            yield f"durable {raw.hex()}: there is no such open"
    locks = dict(store.scan(reading, LOCKS))
    for key, file in files.items():
        if file.locked != (key in locks):
            yield f"locks of {unpack_key(key)}: its record and the locks disagree"
    for key, raw in locks.items():
        for lock in ranges.decode(raw):
            if key not in files or lock.open not in files[key].opens:
                yield f"{lock} of {unpack_key(key)}: there is no such open"
    for key, _ in store.scan(reading, DIRECTORIES):
        if key not in files or not any(grant.version for grant in files[key].grants.values()):
            yield f"directory {unpack_key(key)}: nobody caches it"


def _wrong_file(key: bytes, file: FileRecord, living: set[str], orphans: set[bytes]) -> Iterator[str]:
    for opened in file.opens.values():
        what = f"open {opened.id:x} of {'/'.join(opened.path)}"
        if opened.owner != NOBODY and opened.owner not in living:
            yield f"{what}: its process is gone"
        if opened.owner == NOBODY and opened.durable is None:
            yield f"{what}: waits for its client, and is not durable"
        if (opened.owner == NOBODY) != (key + opened.id.to_bytes(8, "big") in orphans):
            yield f"{what}: whether it has an owner, its record and the orphans disagree"
        if opened.holder and opened.holder not in file.grants:
            yield f"{what}: has a lease that there is not"
    for holder in file.grants:
        if not file.opens_of(holder):
            yield f"lease {holder}: has no open"
