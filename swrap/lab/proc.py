"""/proc as values: parents, states, start times, environments (proc(5)).

Owns the parsing. A process that ends while it is looked at, or that is not ours to look at, is simply absent.
Knows nothing of labs. Called by members, reaper, holders, record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells. ``started`` is in clock ticks since boot:
    with the pid it names a process for good.
    """

    pid: int
    command: str
    state: str
    parent: int
    session: int
    started: int

    @property
    def dead(self) -> bool:
        """A zombie, which only waits for its parent to ask."""
        return self.state in "ZX"


def pids() -> Iterator[int]:
    """Every process that is there now, in ascending order."""
    yield from sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def processes() -> Iterator[Stat]:
    """Every process that is there now and not dead, in ascending order of the pids."""
    for pid in pids():
        found = stat(pid)
        if found is not None and not found.dead:
            yield found


def stat(pid: int) -> Stat | None:
    """The process, or None where there is none."""
    raw = read(pid, "stat")
    if not raw:
        return None
    # The name is in parentheses and may hold anything, parentheses and blanks included.
    head, _, tail = raw.rpartition(b")")
    number, _, command = head.partition(b" (")
    fields = tail.split()
    return Stat(
        pid=int(number),
        command=command.decode(errors="replace"),
        state=fields[0].decode(),
        parent=int(fields[1]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def read(pid: int, what: str) -> bytes:
    """A file of the process; empty where it is gone or not ours to read."""
    try:
        return (PROC / str(pid) / what).read_bytes()
    except OSError:
        return b""


def same(pid: int, started: int) -> bool:
    """Is this still the process that started then, and not merely its number?"""
    found = stat(pid)
    return found is not None and not found.dead and found.started == started


def command_line(pid: int) -> str:
    """The program and its arguments with blanks between, or the bare name of one that has none to show."""
    words = [word for word in read(pid, "cmdline").split(b"\0") if word]
    if words:
        return b" ".join(words).decode(errors="replace")
    found = stat(pid)
    return f"[{found.command}]" if found else ""


def namespace(pid: int | str, kind: str = "net") -> str | None:
    """The namespace that the process is in, as the kernel names it (`net:[4026531840]`);
    None where it is not ours.
    """
    try:
        return str((PROC / str(pid) / "ns" / kind).readlink())
    except OSError:
        return None


def descendants(ancestor: int) -> Iterator[Stat]:
    """All children of ``ancestor``, and theirs, in ascending order of the pids;
    dead ones left out, their children not.
    """
    parents = {found.pid: found for found in map(stat, pids()) if found is not None}
    for found in parents.values():
        above = found.parent
        while above in parents and above != ancestor:
            above = parents[above].parent
        if above == ancestor and not found.dead:
            yield found
