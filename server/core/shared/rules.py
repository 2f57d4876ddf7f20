"""Who may have a file open beside whom, and whose cache gives way to what (MS-FSA 2.1.5.1.2.2, 2.1.4.12;
MS-SMB2 3.3.1.4).

Pure functions over a file's record. Called inside the transactions of `server.core.shared.table`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.core.shared.records import ALL, FileRecord, Grant, H, OpenRecord, R, W
from server.wire.create import Access, ShareAccess

_SHARED = (
    (Access.READ_DATA | Access.EXECUTE, ShareAccess.READ),
    (Access.WRITE_DATA | Access.APPEND_DATA, ShareAccess.WRITE),
    (Access.DELETE, ShareAccess.DELETE),
)
_STAT = Access.READ_ATTRIBUTES | Access.WRITE_ATTRIBUTES | Access.SYNCHRONIZE
_VALID = (0, R, R | W, R | H, R | H | W)


@dataclass(frozen=True, slots=True)
class Break:
    """`holder` shall cache no more than `to`. `wait`: whoever caused it has to wait until it does."""

    holder: str
    to: int
    wait: bool


def clash(access: int, share: int) -> bool:
    return any(access & bits and not share & permission for bits, permission in _SHARED)


def violators(file: FileRecord, access: int, share: int) -> list[OpenRecord]:
    """The opens that such an open cannot stand beside."""
    if not access & ~_STAT:
        return []
    return [
        other
        for other in file.opens.values()
        if other.access & ~_STAT and (clash(access, other.share_access) or clash(other.access, share))
    ]


def breaks_of_open(
    file: FileRecord,
    holder: str,
    access: int,
    *,
    overwrite: bool = False,
    violation: bool = False,
    doomed: bool = False,
    again: bool = False,
) -> list[Break]:
    """What an open with `access` does to what others hold. With a `violation`, or if the file is to go with it
    (`doomed`), handles that are only kept in case are in the way as well. `again`: it has waited before.
    """
    if not (access & ~_STAT or overwrite):
        return []
    mask = (H if violation else W) | (H if doomed else 0)
    found = []
    for grant in file.others(holder):
        if grant.version and not access & ~(_STAT | Access.READ_CONTROL) and not overwrite:
            continue
        keep = 0 if overwrite else grant.state & ~mask
        wait = bool(grant.state & mask) or (again and grant.breaking is not None)
        if grant.state & ~keep:
            found.append(Break(grant.holder, keep if grant.version else keep & R, wait))
        elif grant.breaking is not None:
            found.append(Break(grant.holder, grant.state, True))  # what it will be is not known yet
    return found


def breaks_of_change(file: FileRecord, holder: str) -> list[Break]:
    """What a change of the data does to what has been read: it is told, and not waited for. An oplock of
    level II does not outlive even its own holder's change.
    """
    return [
        Break(grant.holder, 0, False)
        for grant in file.grants.values()
        if (grant.state & R and grant.holder != holder) or (grant.state == R and not grant.version)
    ]


def breaks_of_entries(directory: FileRecord, parent: str) -> list[Break]:
    """What a change of its entries does to who caches a directory, but for the holder that the changer named as the
    `parent` of its own lease.
    """
    return [Break(grant.holder, 0, False) for grant in directory.others(parent) if grant.state & R]


def breaks_of_handles(file: FileRecord, holder: str) -> list[Break]:
    """What a rename or a deletion does to handles that others keep open only in case."""
    return [
        Break(grant.holder, grant.state & ~H, True)
        for grant in file.others(holder)
        if grant.version and grant.state & H
    ]


def grantable(file: FileRecord, asked: int, holder: str, *, lease: bool, locked: bool) -> int:
    """What of `asked` a new open may cache beside the opens that there are."""
    held = [grant for grant in file.others(holder) if grant.state]
    if locked or any(grant.state & W for grant in held):
        return 0
    others = [opened for opened in file.opens.values() if opened.holder != holder and not opened.stream]
    if held or any(opened.access & ~_STAT for opened in others):
        asked &= ~W
    if lease and any(not grant.version for grant in held):
        asked &= ~H
    if not lease and not asked & W:
        asked &= ~H
    if not lease and any(grant.version and grant.state & H for grant in held):
        return 0
    return asked if asked in _VALID else largest(asked)


def largest(asked: int) -> int:
    """The most of these bits that make a state."""
    return asked & (R | H) if asked & R and not asked & W else asked & (R | W) if asked & R else 0


def joined(held: Grant, asked: int, granted: int) -> int:
    """The state of a lease after one more open with its key: it may grow to all that is asked for, and never
    shrinks.
    """
    grows = held.breaking is None and granted == asked and asked & held.state == held.state
    return asked if grows else held.state


def next_step(grant: Grant, *, further: bool = False) -> Grant:
    """The break that is to be told now: towards what is wanted, and if it is a `further` one, not past
    reading in one step. `breaking` stays None where no acknowledgment is due, since nothing but reading is
    taken away (MS-SMB2 3.3.4.7).
    """
    target = grant.state & grant.wanted
    if further and grant.state & (H | W):
        target |= grant.state & R
    epoch = grant.epoch if further else (grant.epoch + 1) & 0xFFFF
    if grant.state == R:
        return replace(grant, state=target, epoch=epoch, wanted=ALL)
    return replace(grant, breaking=target, epoch=epoch)
