"""Ends every process of a lab: asks, waits, kills, and looks again until nobody is left.

Owns the order (programs first, so that they see their connections end as they would; the switch after them)
and the certainty: a process is held by a pidfd before it is judged, so that a pid which is used anew is never
hit. Knows nothing of directories beyond the lab's name. Called by the keeper, and by registry for labs whose
owner and keeper are both dead.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from swrap.lab import members, proc
from swrap.lab.errors import NoLab
from swrap.lab.proc import Stat
from swrap.lab.record import Process, Record

GRACE = 1.0
"""Seconds that a program has to end by itself after SIGTERM."""

_LAST = 5.0  # seconds for SIGKILL to do its work: a guard against a process that hangs in the kernel


def end(directory: Path, *, grace: float = GRACE, spare: Iterable[int] = ()) -> None:
    """End the lab in ``directory``: its programs, then its switch. This process and ``spare`` are left alone.

    Programs have ``grace`` seconds between SIGTERM and SIGKILL. Returns when none is left.
    """
    spared = {os.getpid(), *spare}
    try:
        record = Record.read(directory)
    except NoLab:
        record = None
    owner = record.owner if record and record.owner.alive else None
    switch = record.switch if record and record.switch and record.switch.alive else None
    if owner is not None:
        spared.add(owner.pid)

    def programs() -> Iterator[Stat]:
        yield from members.programs(directory)
        if owner is not None and record is not None and record.adopts:
            # What the switch has started ends after it, by itself: a capture's writer has yet to write.
            its = {one.pid for one in proc.descendants(switch.pid)} if switch else set()
            yield from (one for one in proc.descendants(owner.pid) if one.pid not in its)

    _end_all(programs, {*spared, switch.pid} if switch else spared, grace)
    if switch is not None:
        end_process(switch)
    if record is not None:
        lab = record.lab
        _end_all(lambda: members.name_holders(lab), spared, 0.0)


def end_process(process: Process, *, grace: float = GRACE) -> None:
    """End one process, if it is still the one that was meant."""
    _end_all(lambda: [found] if process.alive and (found := proc.stat(process.pid)) else [], set(), grace)


def _end_all(find: Callable[[], Iterable[Stat]], spared: set[int], grace: float) -> None:
    """End whoever ``find`` finds, until it finds nobody, twice: one may fork behind the back of a look."""
    polite_until = time.monotonic() + grace
    give_up = polite_until + _LAST
    asked: set[int] = set()
    clean = 0
    while clean < 2 and time.monotonic() < give_up:
        with contextlib.ExitStack() as stack:
            held = _hold(find(), spared, stack)
            clean = clean + 1 if not held else 0
            polite = time.monotonic() < polite_until
            for pid, pidfd in held.items():
                if not polite:
                    _send(pidfd, signal.SIGKILL)
                elif pid not in asked:
                    asked.add(pid)
                    _send(pidfd, signal.SIGTERM)
                    _send(pidfd, signal.SIGCONT)  # a stopped one could not obey
            _wait(held.values(), (polite_until if polite else give_up))


def _hold(found: Iterable[Stat], spared: set[int], stack: contextlib.ExitStack) -> dict[int, int]:
    """pid → pidfd of whoever was found and is still the same."""
    held: dict[int, int] = {}
    for process in found:
        if process.pid in spared or process.pid in held:
            continue
        with contextlib.suppress(OSError):
            pidfd = os.pidfd_open(process.pid)
            stack.callback(os.close, pidfd)
            if proc.same(process.pid, process.started):
                held[process.pid] = pidfd
    return held


def _send(pidfd: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(pidfd, number)


def _wait(pidfds: Iterable[int], deadline: float) -> None:
    """Until all of them have ended, or the deadline."""
    poll = select.poll()
    left = 0
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
        left += 1
    while left:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        for pidfd, _ in poll.poll(remaining * 1000):
            poll.unregister(pidfd)
            left -= 1
