"""The transactions on what is held: a break begins, is acknowledged, or runs out of time (MS-SMB2 3.3.4.6,
3.3.4.7, 3.3.5.22).

Only the worker that owns the holder's client calls these, so that a break is told once. Called by
`server.core.breaks` and by the acknowledgment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from server.core.errors import StatusError
from server.core.shared import rules
from server.core.shared.records import ALL, FileKey, FileRecord, Grant, OpenRecord, unpack_key
from server.core.shared.table import LEASES, FileTable
from server.wire.status import NTSTATUS


@dataclass(slots=True)
class Step:
    """`told`: the grant as the break to be told leaves it, and `was` before; None: there is none to tell.
    `opens`: those of the holder.
    """

    was: Grant | None = None
    told: Grant | None = None
    opens: list[OpenRecord] = field(default_factory=list)
    wake: list[str] = field(default_factory=list)


def begin(table: FileTable, key: FileKey, holder: str, to: int) -> Step:
    """`holder` shall cache no more than `to`. While a break is under way that is kept for later."""
    step = Step()
    with table.draft(key) as (_, file):
        grant = file.grants.get(holder)
        if grant is None or not grant.state & ~to or file.owner_of(holder) != table.address:
            return step  # whoever wanted it looks for himself when the owner changes
        grant = replace(grant, wanted=grant.wanted & to)
        if grant.breaking is not None:
            file.grants[holder] = grant
            return step
        _advance(file, grant, step)
    return step


def acknowledge(table: FileTable, key: FileKey, holder: str, state: int) -> Step:
    """The client has given up all but `state`. StatusError: there is no break, or that is too much."""
    step = Step()
    with table.draft(key) as (_, file):
        grant = file.grants.get(holder)
        if grant is None:
            raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no such lease")
        if grant.breaking is None:
            raise StatusError(NTSTATUS.UNSUCCESSFUL, "nothing to acknowledge")
        if state & ~grant.breaking:
            raise StatusError(NTSTATUS.REQUEST_NOT_ACCEPTED, "more than the break leaves")
        _over(file, grant, state, step)
    return step


def give_up(table: FileTable, key: FileKey, holder: str, epoch: int | None = None) -> Step:
    """The holder did not answer, or cannot: it caches nothing any more. With `epoch`: if that break is still
    the one.
    """
    step = Step()
    with table.draft(key) as (_, file):
        grant = file.grants.get(holder)
        if grant is None or file.owner_of(holder) != table.address:
            return step
        if epoch is not None and (grant.breaking is None or grant.epoch != epoch):
            return step
        file.grants[holder] = replace(grant, state=0, breaking=None, wanted=ALL)
        step.opens = file.opens_of(holder)
        step.wake = file.take_waiters()
    return step


def file_of_lease(table: FileTable, holder: str) -> FileKey | None:
    with table.store.read() as reading:
        raw = reading.get(LEASES + holder.encode())
    return None if raw is None else unpack_key(raw)


def _advance(file: FileRecord, grant: Grant, step: Step, *, further: bool = False) -> None:
    """Begin the next break, if there is one to begin."""
    step.was = grant
    step.told = file.grants[grant.holder] = rules.next_step(grant, further=further)
    step.opens = file.opens_of(grant.holder)
    if step.told.breaking is None:
        step.wake += file.take_waiters()


def _over(file: FileRecord, grant: Grant, state: int, step: Step) -> None:
    left = replace(grant, state=state, breaking=None)
    step.wake = file.take_waiters()
    if state & ~grant.wanted:
        _advance(file, left, step, further=True)
    else:
        file.grants[grant.holder] = replace(left, wanted=ALL)
