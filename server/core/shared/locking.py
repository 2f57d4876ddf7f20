"""The transactions on byte-range locks (MS-SMB2 3.3.5.14).

What conflicts with what is in `ranges`. Called by LOCK.
"""

from __future__ import annotations

from server.core.errors import StatusError
from server.core.shared import ranges
from server.core.shared.ranges import Lock
from server.core.shared.records import FileKey, pack_key
from server.core.shared.table import LOCKS, FileTable, Outcome
from server.wire.status import NTSTATUS


def lock(table: FileTable, key: FileKey, wanted: list[Lock], *, wait: bool, most: int) -> Outcome:
    """All of them, or none. StatusError LOCK_NOT_GRANTED; with `wait` the outcome is `waiting` instead.
    INSUFFICIENT_RESOURCES: the file would have more than `most`.
    """
    outcome = Outcome()
    with table.draft(key) as (writing, file):
        raw = pack_key(key)
        held = ranges.decode(writing.get(LOCKS + raw))
        if len(held) + len(wanted) > most:
            raise StatusError(NTSTATUS.INSUFFICIENT_RESOURCES, "locks")
        if any(ranges.in_the_way(held, one) for one in wanted):
            table.sweep(writing, key, file, outcome)
            held = ranges.decode(writing.get(LOCKS + raw))
        for one in wanted:
            if ranges.in_the_way(held, one):
                if not wait:
                    raise StatusError(NTSTATUS.LOCK_NOT_GRANTED)
                table.wait_for(file)
                outcome.waiting = True
                return outcome
            held.append(one)
        table.put_locks(writing, key, file, held)
    return outcome


def unlock(table: FileTable, key: FileKey, given_up: list[Lock]) -> tuple[Outcome, bool]:
    """One after the other. False: one of them was not locked; those before it are unlocked all the same."""
    outcome = Outcome()
    with table.draft(key) as (writing, file):
        held = ranges.decode(writing.get(LOCKS + pack_key(key)))
        whole = True
        for one in given_up:
            rest = ranges.without(held, one)
            if rest is None:
                whole = False
                break
            held = rest
        table.put_locks(writing, key, file, held)
        outcome.wake = file.take_waiters()
    return outcome, whole
