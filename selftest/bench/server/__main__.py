"""Put the servers side by side, and print the tables. `python -m selftest.bench.server [NAME…]`, by its own network alone."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from selftest.bench.contest import Benchmark, Comparison, paired
from selftest.bench.server.figures import MEASUREMENTS
from selftest.bench.server.rivals import IMPACKET, OURS, SMBD, Rival, running
from selftest.bench.server.rows import BENCHMARKS, TASKS
from selftest.bench.tables import WIDTH, cell, measure
from selftest.support import netns

NAMES = [one.name for one in (*BENCHMARKS, *MEASUREMENTS)]
_MOST = 7
"""Rounds in a bench of everything: one takes five seconds."""
_LEAST = 0.3
"""Seconds of a slice: a log-in takes some hundredths of one."""


def hold_apart(names: Sequence[str], rounds: int, seconds: float) -> None:
    """The same in a network of its own, so that nobody else's port 445 matters: those, or all for none or `server`."""
    own = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    wanted = [] if "server" in names else names
    chosen = ["--rounds", str(min(rounds, _MOST)), "--seconds", str(seconds)]
    command = [sys.executable, "-m", __name__, *wanted, *chosen]
    subprocess.run([*own, *command], check=True)


def hold(
    benchmarks: Iterable[Benchmark], scratch: Path, console: Console, rounds: int, seconds: float
) -> None:
    """Measure, and print the table."""
    others = (SMBD, IMPACKET)
    table = Table(
        "", OURS, *others, title="the server, one connection", box=box.SIMPLE_HEAD, title_justify="left"
    )
    with ExitStack() as stack, console.status("measuring") as status:
        rivals = running(scratch, stack)
        for benchmark in benchmarks:
            status.update(benchmark.title)
            seen = _compared(benchmark, rivals, rounds, seconds)
            ratios = (cell(benchmark, name, seen.get(name)) for name in others)
            table.add_row(benchmark.title, benchmark.unit.show(seen[OURS].figure), *ratios)
    console.print(table)


def _compared(
    benchmark: Benchmark, rivals: Iterable[Rival], rounds: int, seconds: float
) -> dict[str, Comparison]:
    """Of those that can do it at all."""
    with ExitStack() as stack:
        tasks = {
            rival.name: stack.enter_context(closing(TASKS[benchmark.name](rival)))
            for rival in rivals
            if rival.name == OURS or rival.name in benchmark.targets
        }
        measures = {name: partial(task.run, seconds) for name, task in tasks.items()}
        return paired(measures, benchmark.unit, OURS, rounds)


def main() -> None:
    """Those that were asked for, or all."""
    parser = argparse.ArgumentParser(prog="python -m selftest.bench.server", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=_LEAST)
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if not netns.enter():
        raise SystemExit("no network of its own can be made here, for the server's benchmarks")
    wanted = options.names or NAMES
    console = Console(width=WIDTH)
    with tempfile.TemporaryDirectory() as scratch:
        if benchmarks := [one for one in BENCHMARKS if one.name in wanted]:
            hold(benchmarks, Path(scratch), console, options.rounds, max(options.seconds, _LEAST))
        if measurements := [one for one in MEASUREMENTS if one.name in wanted]:
            measure("figures of the server", measurements, Path(scratch), console)
    console.print(
        "Ours by theirs, medians of paired rounds. Nothing is signed but where it says so; "
        "impacket takes 64 KiB at a time, unsigned."
    )


if __name__ == "__main__":
    main()
