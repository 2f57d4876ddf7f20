"""The keeper: a process that outlives its lab's owner just long enough to clear up after it.

    python -m swrap.lab.keeper DIR --owner PID --owner-fd N --ready-fd R --lock-fd M [--route-fd D]

It waits until the owner has ended, or has closed its end of the pipe N because the lab is over, or somebody
asks by SIGTERM (`swrap down`); then it ends every process of the lab, removes the directory, and ends itself.
It shares the lab's lock (M), so the lab counts as alive until that is done. Where there is no switch it answers
rtnetlink meanwhile, at the listening socket D.

Started by lab in a session of its own; imports little, since one starts with every lab.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path

from swrap.lab import reaper, registry, runtime
from swrap.lab.errors import Refused
from swrap.lab.record import asked_to_end
from swrap.lab.routes import Routes

READY = b"watching\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Wait for the owner, then clear up.

    Writes `READY` to the ready fd once nothing can be missed any more.
    """
    parser = argparse.ArgumentParser(prog="swrap.lab.keeper")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--owner-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--route-fd", type=int)
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # no file system is kept busy
    poll = select.poll()
    routes = None if options.route_fd is None else Routes(options.directory, options.route_fd, poll)
    watch(poll, routes, options.owner, options.owner_fd, options.ready_fd)
    clear_up(options.directory)
    return 0


def watch(poll: select.poll, routes: Routes | None, owner: int, owner_fd: int, ready_fd: int) -> None:
    """Until the owner has ended or closed the pipe, or SIGTERM comes.

    Owner and pipe, since a child that the owner forked without exec may have a copy of the pipe's other end.
    """
    told, teller = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(teller)
    signal.signal(signal.SIGTERM, lambda *_: None)
    ends = [owner_fd, told]
    with contextlib.suppress(ProcessLookupError):
        # Should it be dead already, its number may be another's by now; but then the pipe tells.
        ends.append(os.pidfd_open(owner))
    for fd in ends:
        poll.register(fd, select.POLLIN)
    with contextlib.suppress(OSError):  # its reader may be dead already
        os.write(ready_fd, READY)
    os.close(ready_fd)
    while True:
        for fd, events in poll.poll():
            if fd in ends or routes is None:
                return
            routes.ready(fd, events)


def clear_up(directory: Path) -> None:
    """End the lab's processes and remove its directory, if it is still there and ours."""
    try:
        with runtime.opened(directory):
            pass
    except (OSError, Refused):
        return  # whatever it is by now, it is not the lab any more
    asker = asked_to_end(directory)
    reaper.end(directory, spare=[] if asker is None else [asker])
    registry.remove(directory)


if __name__ == "__main__":
    raise SystemExit(main())
