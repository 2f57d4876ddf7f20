"""Which process holds which socket.

Owns the scan of /proc/PID/fd. A socket of a lab is a real one, and its inode number is the same in every
process that holds it, however it got there; so nobody has to keep a list. Called by `swrap ss` and by whoever
samples flows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from swrap.lab import members, proc


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the socket open. ``command`` is its whole command line."""

    pid: int
    command: str


def holders(inodes: Collection[int], *, pids: Iterable[int] | None = None) -> dict[int, list[Holder]]:
    """inode → the processes that hold it, in ascending order of their pids; nobody's are left out.

    ``pids`` narrows the search; without it every process is looked at that this user may look at.
    """
    wanted = set(inodes)
    found: dict[int, list[Holder]] = {}
    if not wanted:
        return found
    for pid in proc.pids() if pids is None else sorted(pids):
        held = wanted.intersection(members.sockets(pid))
        if held:
            holder = Holder(pid, proc.command_line(pid))
            for inode in held:
                found.setdefault(inode, []).append(holder)
    return dict(sorted(found.items()))
