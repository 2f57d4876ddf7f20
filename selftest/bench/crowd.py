"""What thousands of flows cost the switch: its memory while they idle, and the time until a fault has hold of them all."""

from __future__ import annotations

import resource
import select
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selftest.bench.figure import Figure, Measurement
from selftest.switch.driver import Switched, receive, switched, wait

FLOWS = 10_000
FAULT = 50.0
"""Milliseconds until a fault on so many flows is in force."""
IDLE = 4.0
"""KiB of the switch's own memory for a flow that idles."""
PORT = 445
SAMPLES = 50
"""Flows of which is looked whether anything passes."""

Pair = tuple[socket.socket, socket.socket]


@contextmanager
def descriptors() -> Iterator[int]:
    """As many as the hard limit allows; how many flows that is, of which this process holds both ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield min(FLOWS, (hard - 1000) // 2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def own_memory(lab: Switched) -> int:
    """KiB that the switch shares with nobody (USS)."""
    lines = Path(f"/proc/{lab.process.pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def connected(lab: Switched, count: int) -> list[Pair]:
    """Flows that have carried a little each way."""
    flows = []
    with lab.listen("server", "10.0.1.1", PORT, 4096) as listener:
        for _ in range(count):
            client = lab.connect(port=PORT)
            flows.append((client, lab.accept(listener)))
    for pair in flows:
        for sender, receiver in (pair, pair[::-1]):
            sender.sendall(bytes(1000))
            receive(receiver, 1000)
    return flows


def blocked(lab: Switched, flows: list[Pair]) -> float:
    """Milliseconds until a block's answer is here; from then on nothing passes, which is looked at."""
    began = time.monotonic()
    touched = lab.do("block", port=PORT)["flows"]
    took = time.monotonic() - began
    sample = flows[:: max(1, len(flows) // SAMPLES)]
    for client, _ in sample:
        client.sendall(b"x")
    if touched != len(flows) or any(wait(server, select.POLLIN, 0) for _, server in sample):
        raise RuntimeError(f"a block of {len(flows)} flows touched {touched}, or let something pass")
    lab.do("heal")
    for _, server in sample:
        receive(server, 1)
    return took * 1000


def reset(lab: Switched, flows: list[Pair]) -> tuple[float, float]:
    """Milliseconds until a reset is in force, so that nothing passes, and until both ends of every flow are told."""
    untold = 2 * len(flows)
    with select.epoll() as ends:
        for end in (end for pair in flows for end in pair):
            ends.register(end, select.EPOLLONESHOT)  # EPOLLERR and EPOLLHUP come unasked
        began = time.monotonic()
        touched = lab.do("reset", port=PORT)["flows"]
        in_force = time.monotonic() - began
        while untold and (found := len(ends.poll(10, untold))):
            untold -= found
        took = time.monotonic() - began
    if untold or touched != len(flows):
        raise RuntimeError(
            f"a reset of {len(flows)} flows touched {touched}, and was not told to {untold} ends"
        )
    return in_force * 1000, took * 1000


def crowd(directory: Path) -> Iterator[Figure]:
    """The same flows, first idle, then blocked, at last reset."""
    with descriptors() as count, switched(directory) as lab:
        for pair in connected(lab, 100):  # what the first flows take, all others share
            for end in pair:
                end.close()
        before = own_memory(lab)
        flows = connected(lab, count)
        yield Figure(f"an idle flow, of {count:,}", "KiB", (own_memory(lab) - before) / count, IDLE)
        budget = FAULT * count / FLOWS
        took = statistics.median(blocked(lab, flows) for _ in range(7))
        yield Figure(f"block of {count:,} flows: nothing passes", "ms", took, budget)
        in_force, told = reset(lab, flows)
        yield Figure(f"reset of {count:,} flows: nothing passes", "ms", in_force, budget)
        yield Figure(f"reset of {count:,} flows: the last end is told", "ms", told)


MEASUREMENTS = (Measurement("crowd", crowd),)
