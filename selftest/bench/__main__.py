"""`make bench`: what a virtual socket costs, as ratios in one run. `python -m selftest.bench [shim|switch|fake|server|TABLE|NAME…]`.

Ours run without the guard, and once more behind it, which shows what that costs. The shim's figures are taken on one CPU, in
its time, which others on the machine disturb least, in shorter slices and as many more rounds: who is compared is measured at
the same moment. The switch's are taken on all, by the clock: it is a process of its own. What is no ratio (a fault's time, a
flow's memory, a delay) is in a table of its own, beside what it is to be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from selftest.bench import capture, crowd, parallel, relays, shaped, shim, switch
from selftest.bench.contest import SIZE, Benchmark, Comparison, rounds
from selftest.bench.entrants import CAPTURED, GUARDED, ONE_FLOW, PARALLEL, Contest, entrants
from selftest.bench.fake import __main__ as fake
from selftest.bench.figure import Measurement
from selftest.bench.server import __main__ as server
from selftest.bench.tables import WIDTH, cell, measure

SOURCES = Path(__file__).with_name("programs")
SWITCH = "switch"
FIGURES = "figures"
SHORTER = 3
"""So many times shorter a slice is where nothing but one CPU's time is asked for."""
MEASUREMENTS = {one.name: one for one in (*crowd.MEASUREMENTS, *shaped.MEASUREMENTS)}


def contests() -> dict[str, Contest]:
    """The tables of ratios, by the name that the command line has for them."""
    cpu = max(os.sched_getaffinity(0))
    others = ("AF_UNIX", "kernel", "socket_wrapper")
    return {
        "shim": Contest(f"direct, by the time of CPU {cpu} alone", "direct", others, shim.BENCHMARKS, cpu),
        SWITCH: Contest("through the switch", "switched", ("kernel",), switch.BENCHMARKS),
        "relays": Contest(
            "through the switch, and through relays", "switched", tuple(relays.RELAYS), relays.BENCHMARKS
        ),
        "parallel": Contest("many flows through the switch", PARALLEL, (ONE_FLOW,), parallel.BENCHMARKS),
        "capture": Contest("through the switch, captured", CAPTURED, ("switched",), capture.BENCHMARKS),
    }


def chosen(names: Sequence[str]) -> tuple[list[Contest], list[Measurement]]:
    """What was asked for: everything, tables, or benchmarks by name; `switch` is every table of the switch.

    Raises KeyError with a name that is none.
    """
    every = contests()
    known = {
        *every,
        FIGURES,
        *MEASUREMENTS,
        *(one.name for contest in every.values() for one in contest.benchmarks),
    }
    if unknown := sorted(set(names) - known):
        raise KeyError(f"no benchmark {', '.join(unknown)}; there are {', '.join(sorted(known))}")

    def asked(table: str, name: str) -> bool:
        return not names or not {table, name}.isdisjoint(names) or (SWITCH in names and table != "shim")

    picked = [
        replace(contest, benchmarks=[one for one in contest.benchmarks if asked(table, one.name)])
        for table, contest in every.items()
    ]
    return (
        [contest for contest in picked if contest.benchmarks],
        [one for one in MEASUREMENTS.values() if asked(FIGURES, one.name)],
    )


def cost(benchmark: Benchmark, guarded: Comparison) -> str:
    """How much more it takes behind the guard."""
    if benchmark.unit is SIZE:
        return f"{-guarded.compared:+.0f}"
    return f"{(guarded.compared if not benchmark.unit.less else 1 / guarded.compared) - 1:+.0%}"


def program_of(benchmark: Benchmark, scratch: Path) -> Path:
    """Its program, compiled."""
    target = scratch / benchmark.program
    if not target.exists():
        source = SOURCES / f"{benchmark.program}.c"
        compiler = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra"]
        subprocess.run([*compiler, "-o", target, source], check=True)
    return target


def hold(contest: Contest, scratch: Path, console: Console, count: int, seconds: float) -> None:
    """Measure, and print the table."""
    table = Table(
        "",
        contest.ours,
        *contest.against,
        GUARDED,
        title=contest.title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    parts = SHORTER if contest.cpu is not None else 1
    with console.status("measuring") as status:
        for benchmark in contest.benchmarks:
            status.update(benchmark.title)
            program = program_of(benchmark, scratch)
            with ExitStack() as stack:
                entered = entrants(contest, benchmark, scratch, stack)
                seen = rounds(
                    benchmark,
                    program,
                    entered,
                    contest.ours,
                    count=parts * count,
                    seconds=seconds / parts,
                    cpu=contest.cpu,
                )
            table.add_row(
                benchmark.title,
                benchmark.unit.show(seen[contest.ours].figure),
                *(cell(benchmark, name, seen.get(name)) for name in contest.against),
                cost(benchmark, seen[GUARDED]),
            )
    console.print(table)


def main() -> None:
    """Measure what was asked for, and print a table for each contest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="a table (shim, switch, relays, parallel, capture, figures, fake, server) or benchmarks; all, if none is named",
    )
    parser.add_argument("--seconds", type=float, default=0.15, help="of each slice, where all CPUs are used")
    parser.add_argument("--rounds", type=int, default=11, help="of which the median counts")
    options = parser.parse_args()
    own = [name for name in options.names if name.startswith("fake")]
    served = [name for name in options.names if name.startswith("server")]
    names = [name for name in options.names if name not in (*own, *served)]
    try:
        picked, measurements = chosen(names) if names or not options.names else ([], [])
    except KeyError as error:
        parser.error(error.args[0])
    console = Console(width=WIDTH)
    with tempfile.TemporaryDirectory() as scratch:
        for contest in picked:
            hold(contest, Path(scratch), console, options.rounds, options.seconds)
        if measurements:
            measure("figures of the switch", measurements, Path(scratch), console)
    if served or not options.names:
        server.hold_apart(served, options.rounds, options.seconds)
    if own or not options.names:
        every = [figure.name for figure in fake.FIGURES]
        fake.hold(every if not own or "fake" in own else own, console)
    if not picked:
        return
    console.print(
        "Ours by theirs, medians of paired rounds: rates for ≥, times for ≤ (memory: the difference in KiB).\n"
        f"{GUARDED}: what it takes more behind the guard. kernel: loopback; exec, memory and write without the shim."
    )


if __name__ == "__main__":
    main()
