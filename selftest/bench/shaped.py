"""Whether a path is as slow as it was told to be: medians, of the clock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from selftest.bench.figure import Figure, Measurement
from selftest.switch.driver import receive, switched
from selftest.switch.test_rate import measured

DELAY = 0.020
DELAY_WITHIN = 0.001
RATE = 100_000_000
RATE_WITHIN = 0.03


def delay(directory: Path) -> Iterator[Figure]:
    """How long one byte takes one way."""
    took = []
    with switched(directory) as lab:
        client, server = lab.pair()
        lab.do("delay", interface="server.eth0", time=DELAY)
        for _ in range(50):
            began = time.monotonic()
            client.sendall(b"x")
            receive(server, 1)
            took.append(time.monotonic() - began)
    bounds = (1000 * (DELAY + DELAY_WITHIN), 1000 * (DELAY - DELAY_WITHIN))
    yield Figure(f"delay, {DELAY * 1000:.0f} ms asked", "ms", 1000 * statistics.median(took), *bounds)


def rate(directory: Path) -> Iterator[Figure]:
    """What arrives in a second, of a sender that always has more; half a second of it five times."""
    with switched(directory) as lab:
        pair = lab.pair()
        lab.do("rate", interface="server.eth0", rate=RATE)
        speeds = [8 * measured([pair], RATE // 80, RATE // 16)[0] for _ in range(5)]
    bounds = (RATE * (1 + RATE_WITHIN) / 1e6, RATE * (1 - RATE_WITHIN) / 1e6)
    yield Figure(f"rate, {RATE / 1e6:.0f} Mb/s asked", "Mb/s", statistics.median(speeds) / 1e6, *bounds)


MEASUREMENTS = (Measurement("delay", delay), Measurement("rate", rate))
