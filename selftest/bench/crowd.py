"""What thousands of flows cost the switch: its memory while they idle, and the time until a fault has hold of them all."""

from __future__ import annotations

import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selftest.bench.figure import Figure, Measurement
from selftest.bench.holder import MESSAGE, told, watch
from selftest.switch.driver import Switched, receive, switched

FLOWS = 10_000
FAULT = 50.0
"""Milliseconds until a fault on so many flows is in force."""
IDLE = 4.0
"""KiB of the switch's own memory for a flow that idles."""
PORT = 445
SAMPLES = 50
"""Flows on which something is sent, to see whether it passes."""


class Crowd:
    """Flows that have carried a little each way: their clients' ends, and the program that has the servers'."""

    def __init__(self, clients: list[socket.socket], holder: subprocess.Popen[str]) -> None:
        self.clients = clients
        self._holder = holder

    def heard(self) -> float:
        """Its next answer. RuntimeError where it has ended."""
        assert self._holder.stdout is not None
        line = self._holder.stdout.readline()
        if not line:
            raise RuntimeError(f"who holds the servers' ends has ended with {self._holder.wait()}")
        return float(line)

    def ask(self, word: str) -> float:
        """What it answers to a word (holder.Holder)."""
        assert self._holder.stdin is not None
        self._holder.stdin.write(f"{word}\n")
        self._holder.stdin.flush()
        return self.heard()


@contextmanager
def descriptors() -> Iterator[int]:
    """As many as the hard limit allows; how many flows that is, of each of which a process holds one end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield min(FLOWS, hard - 500)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def own_memory(lab: Switched) -> int:
    """KiB that the switch shares with nobody (USS)."""
    lines = Path(f"/proc/{lab.process.pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


@contextmanager
def connected(lab: Switched, count: int) -> Iterator[Crowd]:
    """So many flows, which are closed at the end."""
    with lab.listen("server", "10.0.1.1", PORT, 4096) as listener:
        fd = listener.fileno()
        holder = subprocess.Popen(
            [sys.executable, "-m", "selftest.bench.holder", str(fd), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=(fd,),
        )
    with holder:
        crowd = Crowd([lab.connect(port=PORT) for _ in range(count)], holder)
        crowd.heard()
        for client in crowd.clients:
            client.sendall(bytes(MESSAGE))
        crowd.ask("echo")
        for client in crowd.clients:
            receive(client, MESSAGE)
        yield crowd
    for client in crowd.clients:
        client.close()


def blocked(lab: Switched, crowd: Crowd) -> float:
    """Milliseconds until a block's answer is here; from then on nothing passes, which is looked at."""
    began = time.monotonic()
    touched = lab.do("block", port=PORT)["flows"]
    took = time.monotonic() - began
    sample = crowd.clients[:: max(1, len(crowd.clients) // SAMPLES)]
    for client in sample:
        client.sendall(b"x")
    if touched != len(crowd.clients) or crowd.ask("pending"):
        raise RuntimeError(f"a block of {len(crowd.clients)} flows touched {touched}, or let something pass")
    lab.do("heal")
    left = len(sample)
    while left:
        left -= int(crowd.ask("take"))
    return took * 1000


def reset(lab: Switched, crowd: Crowd) -> tuple[float, float]:
    """Milliseconds until a reset is in force, so that nothing passes, and until both ends of every flow are told."""
    with watch(crowd.clients) as watched:
        crowd.ask("end")
        began = time.monotonic()
        touched = lab.do("reset", port=PORT)["flows"]
        in_force = time.monotonic() - began
        took = max(told(watched, len(crowd.clients)), crowd.heard()) - began
    if touched != len(crowd.clients):
        raise RuntimeError(f"a reset of {len(crowd.clients)} flows touched {touched}")
    return in_force * 1000, took * 1000


def crowd(directory: Path) -> Iterator[Figure]:
    """The same flows, first idle, then blocked, at last reset."""
    with descriptors() as count, switched(directory) as lab:
        with connected(lab, 100):  # what the first flows take, all others share
            pass
        before = own_memory(lab)
        with connected(lab, count) as flows:
            yield Figure(f"an idle flow, of {count:,}", "KiB", (own_memory(lab) - before) / count, IDLE)
            budget = FAULT * count / FLOWS
            took = statistics.median(blocked(lab, flows) for _ in range(7))
            yield Figure(f"block of {count:,} flows: nothing passes", "ms", took, budget)
            in_force, all_told = reset(lab, flows)
            yield Figure(f"reset of {count:,} flows: nothing passes", "ms", in_force, budget)
            yield Figure(f"reset of {count:,} flows: the last end is told", "ms", all_told)


MEASUREMENTS = (Measurement("crowd", crowd),)
