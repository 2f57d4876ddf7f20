"""`make bench`: what a virtual socket costs, as ratios in one run. `python -m selftest.bench [shim|switch|capture|NAME…]`.

Ours run without the guard, and once more behind it, which shows what that costs. The shim's figures are taken on one CPU, in
its time, which others on the machine do not disturb; the switch's on all, by the clock: it is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from selftest.bench import capture, shim, switch
from selftest.bench.contest import SIZE, Benchmark, Comparison, Contestant, rounds
from selftest.bench.fake import __main__ as fake
from selftest.support.network import network
from swrap.switch.client import control_call

SOURCES = Path(__file__).with_name("programs")
GUARDED = "guard"
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Contest:
    """One table: who is compared with whom, in what."""

    title: str
    ours: str
    against: Sequence[str]
    benchmarks: Sequence[Benchmark]
    cpu: int | None


def contests() -> dict[str, Contest]:
    """The tables, by the name that the command line has for them."""
    cpu = max(os.sched_getaffinity(0))
    others = ("AF_UNIX", "kernel", "socket_wrapper")
    return {
        "shim": Contest(f"direct, by the time of CPU {cpu} alone", "direct", others, shim.BENCHMARKS, cpu),
        "switch": Contest("through the switch", "switched", ("kernel",), switch.BENCHMARKS, None),
        "capture": Contest(
            "through the switch, captured", "captured", ("switched",), capture.BENCHMARKS, None
        ),
    }


def chosen(names: Sequence[str]) -> list[Contest]:
    """What was asked for: everything, tables, or benchmarks by name. Raises KeyError with a name that is none."""
    every = contests()
    known = {*every, *(one.name for contest in every.values() for one in contest.benchmarks)}
    if unknown := sorted(set(names) - known):
        raise KeyError(f"no benchmark {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    picked = []
    for name, contest in every.items():
        wanted = [one for one in contest.benchmarks if not names or name in names or one.name in names]
        if wanted:
            picked.append(replace(contest, benchmarks=wanted))
    return picked


def socket_wrapper() -> str | None:
    """libsocket_wrapper.so, where Debian's package is installed."""
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    return next((line.split()[-1] for line in found.splitlines() if "libsocket_wrapper.so" in line), None)


def contestants(contest: Contest, benchmark: Benchmark, scratch: Path, stack: ExitStack) -> list[Contestant]:
    """Those of them that this machine has; ours in a lab that nothing else has been done in."""
    ours = stack.enter_context(
        network(scratch / f"{contest.ours}-{benchmark.name}", direct=contest.ours == "direct")
    )
    environment = ours.environment("server")
    if contest.ours == "captured":
        control_call(ours.directory, "capture", file=capture.FILE)
        other = stack.enter_context(network(scratch / f"uncaptured-{benchmark.name}"))
        return [
            Contestant(contest.ours, "10.0.1.1", environment),
            Contestant("switched", "10.0.1.1", other.environment("server")),
            Contestant(GUARDED, "10.0.1.1", environment, guard=True),
        ]
    found = [
        Contestant(contest.ours, "10.0.1.1", environment),
        Contestant("AF_UNIX", "unix"),
        Contestant("kernel", "127.0.0.1"),
        Contestant(GUARDED, "10.0.1.1", environment, guard=True),
    ]
    if library := socket_wrapper():
        (scratch / "sw").mkdir(exist_ok=True)
        variables = {"SOCKET_WRAPPER_DIR": str(scratch / "sw"), "SOCKET_WRAPPER_DEFAULT_IFACE": "1"}
        found.append(Contestant("socket_wrapper", "127.0.0.1", {"LD_PRELOAD": library, **variables}))
    return [one for one in found if one.name in (contest.ours, GUARDED, *contest.against)]


def cell(benchmark: Benchmark, against: str, seen: Comparison | None) -> str:
    """How ours compares, with what was to reach and whether it was."""
    if seen is None:
        return "-"
    unit = benchmark.unit
    limit = unit.level if against == "socket_wrapper" else benchmark.targets.get(against)
    shown = f"{seen.compared:.2f}" if abs(seen.compared) < 100 else f"{seen.compared:,.0f}"
    if limit is None:
        return shown
    mark = "[green]✓[/]" if unit.meets(seen.compared, limit) else "[red]✗[/]"
    return f"{shown} {'≤' if unit.less else '≥'} {limit:.4g} {mark}"


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
    with console.status("measuring") as status:
        for benchmark in contest.benchmarks:
            status.update(benchmark.title)
            program = program_of(benchmark, scratch)
            with ExitStack() as stack:
                entered = contestants(contest, benchmark, scratch, stack)
                seen = rounds(
                    benchmark, program, entered, contest.ours, count=count, seconds=seconds, cpu=contest.cpu
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
        "names", nargs="*", help="a table (shim, switch, capture) or benchmarks; all, if none is named"
    )
    parser.add_argument("--seconds", type=float, default=0.15, help="of each slice")
    parser.add_argument("--rounds", type=int, default=11, help="of which the median counts")
    options = parser.parse_args()
    own = [name for name in options.names if name.startswith("fake")]
    names = [name for name in options.names if name not in own]
    try:
        picked = chosen(names) if names or not own else []
    except KeyError as error:
        parser.error(error.args[0])
    console = Console(width=WIDTH)
    with tempfile.TemporaryDirectory() as scratch:
        for contest in picked:
            hold(contest, Path(scratch), console, options.rounds, options.seconds)
    if own or not names:
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
