"""Contestants, and what is said of them: figures of paired runs, as ratios.

A program is measured on each contestant in short slices, one after the other, round after round; each round gives a ratio, of
which the median counts. So what disturbs the machine for a moment disturbs all alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from swrap.abi import lib

LEVEL = 0.97
"""From here on two speeds are level: by so much the same program differs from run to run."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """What a program is run on: its address there, what its environment has, and whether it is behind the guard.

    `what` is what the program is asked for, where that is not what all others are.
    """

    name: str
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)
    guard: bool = False
    what: str | None = None

    def measure(self, program: Path, what: str, seconds: float, cpu: int | None) -> float:
        """What `program` prints: by the clock, or by CPU time where it has one CPU. RuntimeError, with its words, if it fails."""
        parent = os.getpid()

        def prepare() -> None:
            if lib.sw_die_with_parent(parent) or (self.guard and lib.sw_guard_install()):
                os._exit(126)
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        done = subprocess.run(
            [program, self.what or what, self.address, str(seconds)],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60 + seconds,
            preexec_fn=prepare,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program.name} {what} on {self.name}: {done.stderr}")
        by_clock, by_cpu = map(float, done.stdout.split())
        return by_clock if cpu is None else by_cpu


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number is shown, how two of them compare, and what is level."""

    show: Callable[[float], str]
    compare: Callable[[float, float], float]
    """Ours and theirs; a ratio, unless it is a size."""
    less: bool
    """Is a smaller comparison the better one?"""
    level: float

    def meets(self, compared: float, limit: float) -> bool:
        return compared <= limit if self.less else compared >= limit


TIME = Unit(lambda rate: f"{1e6 / rate:.2f} µs", lambda ours, theirs: theirs / ours, True, 1 / LEVEL)
"""Of one operation, as the time that it takes. The programs print operations a second."""
RATE = Unit(lambda rate: f"{1e6 / rate:.2f} µs", lambda ours, theirs: ours / theirs, False, LEVEL)
"""The same, compared as how many there are in a second."""
SPEED = Unit(lambda speed: f"{speed / 1e6:,.0f} MB/s", lambda ours, theirs: ours / theirs, False, LEVEL)
SIZE = Unit(lambda kib: f"{kib:,.0f} KiB", lambda ours, theirs: ours - theirs, True, 0)
"""Compared as a difference, in KiB."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`program WHAT`, and by contestant how ours has to compare. WHAT is the name, where there is no `what`."""

    name: str
    title: str
    program: str
    unit: Unit
    targets: Mapping[str, float]
    what: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians over all rounds: of the figure, and of ours compared to it."""

    figure: float
    compared: float


def rounds(
    benchmark: Benchmark,
    program: Path,
    contestants: Iterable[Contestant],
    ours: str,
    *,
    count: int,
    seconds: float,
    cpu: int | None,
) -> dict[str, Comparison]:
    """Measure every contestant in every round; by name what came out."""
    measures = {
        one.name: partial(one.measure, program, benchmark.what or benchmark.name, seconds, cpu)
        for one in contestants
    }
    return paired(measures, benchmark.unit, ours, count)


def paired(
    measures: Mapping[str, Callable[[], float]], unit: Unit, ours: str, count: int
) -> dict[str, Comparison]:
    """So many rounds in which each is measured once; by name what came out."""
    order = list(measures)
    seen: dict[str, list[float]] = {name: [] for name in order}
    for _ in range(count):
        for name in order:
            seen[name].append(measures[name]())
        order.append(order.pop(0))  # nobody always comes after the same one
    return {
        name: Comparison(
            statistics.median(figures), statistics.median(map(unit.compare, seen[ours], figures))
        )
        for name, figures in seen.items()
    }
