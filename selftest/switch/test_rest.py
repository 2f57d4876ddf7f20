"""Between the messages of a lively talk the switch looks for the next one; when that is over it sleeps."""

from __future__ import annotations

import select
import socket
from pathlib import Path

from selftest.switch.driver import Switched, receive, wait

ROUNDS = 100
BATCHES = 100
QUIET = 0.2
"""Seconds."""


def test_it_does_not_sleep_between_messages_that_come_at_once(lab: Switched) -> None:
    pair = lab.pair()
    talk(pair)
    # Two waits a round; where others keep the machine busy, not every batch comes at once.
    assert any(slept(lab, pair) < ROUNDS for _ in range(BATCHES))


def test_it_sleeps_once_the_talk_is_over(lab: Switched) -> None:
    pair = lab.pair()
    talk(pair)
    before = used(lab)
    assert wait(pair[1], select.POLLIN, QUIET) == 0
    assert used(lab) - before < QUIET / 4


def talk(pair: tuple[socket.socket, socket.socket]) -> None:
    for _ in range(ROUNDS):
        for one, other in (pair, pair[::-1]):
            one.send(b"?")
            assert receive(other, 1) == b"?"


def slept(lab: Switched, pair: tuple[socket.socket, socket.socket]) -> int:
    """How often the switch slept during a talk."""

    def so_far() -> int:
        status = Path(f"/proc/{lab.process.pid}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    before = so_far()
    talk(pair)
    return so_far() - before


def used(lab: Switched) -> float:
    """Seconds of a processor."""
    return int(Path(f"/proc/{lab.process.pid}/schedstat").read_text().split()[0]) / 1e9
