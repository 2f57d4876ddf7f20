"""Opens without a connection: found again by their client, given up when their time is over, inherited from
dead workers.

Owns the table `durable` (id of the open → its file). Called by create, and by the acceptor's scavenger.
"""

from __future__ import annotations

from functools import partial

from server.core.shared.records import (
    NOBODY,
    FileKey,
    FileRecord,
    Grant,
    OpenRecord,
    pack_key,
    unpack_key,
)
from server.core.shared.table import DURABLE, FILES, ORPHANS, FileTable, Outcome, orphan_key


def disconnected(table: FileTable, number: int) -> tuple[FileKey, OpenRecord, Grant] | None:
    """The durable open of that id, if it waits for its client."""
    with table.store.read() as reading:
        raw = reading.get(DURABLE + number.to_bytes(8, "big"))
        if raw is None:
            return None
        file = FileRecord.decode(reading.get(FILES + raw))
    opened = file.opens.get(number)
    if opened is None or opened.owner != NOBODY or opened.holder not in file.grants:
        return None
    return unpack_key(raw), opened, file.grants[opened.holder]


def take(table: FileTable, key: FileKey, number: int, pid: int) -> bool:
    """The open is this worker's from now on. False: somebody was faster, or it is gone."""
    with table.draft(key) as (writing, file):
        opened = file.opens.get(number)
        if opened is None or opened.owner != NOBODY:
            return False
        writing.delete(ORPHANS + orphan_key(key, number))
        file.put(opened._replace(owner=table.address, pid=pid, expires=0))
        return True


def release(table: FileTable, key: FileKey, number: int, position: int, reserved: int = 0) -> Outcome:
    """The open has lost its connection: kept without owner if it is durable, closed otherwise."""
    outcome = Outcome()
    with table.draft(key) as (writing, file):
        opened = file.opens.get(number)
        if opened is not None and opened.owner == table.address:
            opened = opened._replace(position=position, reserved=reserved)
            table.orphan(writing, key, file, opened, outcome)
    return outcome


def give_up(table: FileTable, key: FileKey, number: int) -> Outcome:
    """Close an open that waits for its client."""
    outcome = Outcome()
    with table.draft(key) as (writing, file):
        opened = file.opens.get(number)
        if opened is not None and opened.owner == NOBODY:
            table.leave(writing, key, file, opened, partial(table.delete, opened, key), outcome)
    return outcome


def inherit(table: FileTable, address: str) -> dict[FileKey, list[str]]:
    """What that worker, which is gone, had open: as if its connections had been lost. Who has to be woken, by
    file.
    """
    return _each(table, _held_by(table, address), address)


def expire(table: FileTable) -> tuple[dict[FileKey, list[str]], int | None]:
    """Close what has waited too long. Who has to be woken, by file, and when to look again (ns since 1970)."""
    now = table.clock()
    late: list[tuple[FileKey, int]] = []
    soonest: int | None = None
    with table.store.read() as reading:
        for raw, _ in list(table.store.scan(reading, ORPHANS)):
            key, number = unpack_key(raw[:16]), int.from_bytes(raw[16:], "big")
            opened = FileRecord.decode(reading.get(FILES + pack_key(key))).opens.get(number)
            if opened is None:
                continue
            if opened.expires <= now:
                late.append((key, number))
            elif soonest is None or opened.expires < soonest:
                soonest = opened.expires
    return _each(table, late, NOBODY), soonest


def _each(table: FileTable, found: list[tuple[FileKey, int]], owner: str) -> dict[FileKey, list[str]]:
    woken: dict[FileKey, list[str]] = {}
    for key, number in found:
        outcome = Outcome()
        with table.draft(key) as (writing, file):
            opened = file.opens.get(number)
            if opened is None or opened.owner != owner or opened.expires > table.clock():
                continue  # it was taken back meanwhile
            if owner == NOBODY:
                table.leave(writing, key, file, opened, partial(table.delete, opened, key), outcome)
            else:
                table.orphan(writing, key, file, opened, outcome)
        woken.setdefault(key, []).extend(outcome.wake)
    return woken


def _held_by(table: FileTable, owner: str) -> list[tuple[FileKey, int]]:
    """Looks at all that is open, since a worker ends more rarely than files are opened. Most records are passed over
    undecoded: the owner's address is not in their bytes.
    """
    address = owner.encode()
    with table.store.read() as reading:
        files = [(raw, value) for raw, value in table.store.scan(reading, FILES) if address in value]
    return [
        (unpack_key(raw), opened.id)
        for raw, value in files
        for opened in FileRecord.decode(value).opens.values()
        if opened.owner == owner
    ]
