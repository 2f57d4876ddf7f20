"""Which processes belong to a lab, told from the processes themselves.

Nobody keeps a list: programs fork, detach and rename themselves as they like. What gives them away:

* their environment names the lab (`SWRAP_LAB`), as it was when they were started;
* they have the lab's page and libswrap.so mapped, even if they have since written over their environment (as
daemons do
  that set their title), or were started with an empty one;
* they hold a socket that bears one of the lab's names, got from whomever.

Owns these three signs. What they find was read after the process's own start time, so that a caller who then
holds it by pidfd can tell it from another that got its number. Must not know what is done about them. Called
by reaper, holders of processes to show, and tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from swrap.lab import proc
from swrap.lab.proc import Stat

_SHIM = b"libswrap.so"


def programs(directory: Path) -> Iterator[Stat]:
    """The lab's programs: by environment or by what they have mapped."""
    variable = b"SWRAP_LAB=" + os.fsencode(directory)
    page = os.fsencode(directory / "page")
    for found in proc.processes():
        if variable in proc.read(found.pid, "environ").split(b"\0") or _maps(found.pid, page):
            yield found


def _maps(pid: int, page: bytes) -> bool:
    """Both, since those who only look at a lab map its page too, and a program wrapped for another lab the
    shim.
    """
    maps = proc.read(pid, "maps")
    return page in maps and _SHIM in maps


def name_holders(lab: str) -> Iterator[Stat]:
    """The processes that hold a socket with a name of this lab (its 8 hex digits), the switch among them."""
    inodes = named(lab)
    if not inodes:
        return
    for found in proc.processes():
        if not inodes.isdisjoint(sockets(found.pid)):
            yield found


def named(lab: str) -> set[int]:
    """Inodes of the sockets in this network namespace whose abstract name begins with `sw/LAB/`
    (proc_pid_net(5)).
    """
    prefix = f"@sw/{lab}/".encode()
    inodes = set()
    for line in proc.read(os.getpid(), "net/unix").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7].startswith(prefix):
            inodes.add(int(fields[6]))
    return inodes


def sockets(pid: int) -> Iterator[int]:
    """Inodes of the sockets that a process holds; none where it is gone or not ours to look at."""
    directory = proc.PROC / str(pid) / "fd"
    try:
        links = list(directory.iterdir())
    except OSError:
        return
    for link in links:
        try:
            target = str(link.readlink())
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            yield int(target[8:-1])
