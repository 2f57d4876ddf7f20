"""`make bench`: what a virtual socket costs, as ratios in one run. `python -m selftest.bench [--seconds S] [--rounds N]`.

The same C program on kernel TCP, raw AF_UNIX, Debian's libsocket_wrapper, and ours without and with the switch; ours behind
the guard, as a user has it. Rounds are interleaved, so that a noisy moment hits all alike; medians are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from selftest.support.network import Network, network

OPERATIONS = {
    "rtt": ("1-byte round trip", 1e6, "µs", True),
    "bulk": ("bulk, 64 KiB writes", 1e6, "MB/s", False),
    "connect": ("connect+accept+close", 1e6, "µs", True),
    "rights": ("SCM_RIGHTS pass", 1e6, "µs", True),
}
"""Name, the factor and unit in which it is shown, and whether less is better."""

Measure = Callable[[str, float], float]


def measured(done: subprocess.CompletedProcess[str]) -> float:
    """The number that the program printed; a failure is raised with its words."""
    if done.returncode != 0:
        raise RuntimeError(f"{done.args}: {done.stderr}")
    return float(done.stdout)


def on_kernel(program: Path, address: str, extra: dict[str, str] | None = None) -> Measure:
    """Measure outside of any lab."""

    def run(what: str, seconds: float) -> float:
        command = [program, what, address, str(seconds)]
        environment = {**os.environ, **(extra or {})}
        return measured(subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment))

    return run


def in_lab(program: Path, lab: Network) -> Measure:
    """Measure on one host of a lab."""
    return lambda what, seconds: measured(
        lab.run("server", program, what, "10.0.1.1", str(seconds), timeout=60)
    )


def socket_wrapper() -> str | None:
    """libsocket_wrapper.so, where Debian's package is installed."""
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    return next((line.split()[-1] for line in found.splitlines() if "libsocket_wrapper.so" in line), None)


def systems(program: Path, scratch: Path, stack: ExitStack) -> dict[str, Measure]:
    """What is compared; the first is what the others are measured against."""
    found = {"kernel TCP": on_kernel(program, "127.0.0.1"), "AF_UNIX": on_kernel(program, "unix")}
    if library := socket_wrapper():
        (scratch / "sw").mkdir()
        environment = {
            "LD_PRELOAD": library,
            "SOCKET_WRAPPER_DIR": str(scratch / "sw"),
            "SOCKET_WRAPPER_DEFAULT_IFACE": "1",
        }
        found["socket_wrapper"] = on_kernel(program, "127.0.0.1", environment)
    found["direct"] = in_lab(program, stack.enter_context(network(scratch / "direct", direct=True)))
    found["switched"] = in_lab(program, stack.enter_context(network(scratch / "switched")))
    return found


def show(value: float, factor: float, unit: str, inverse: bool) -> str:
    """A rate per second as a person reads it."""
    return f"{factor / value:.1f} {unit}" if inverse else f"{value / factor:,.0f} {unit}"


def main() -> None:
    """Measure, and print one table of figures and one of ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    options = parser.parse_args()
    console = Console()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = scratch / "network"
        source = Path(__file__).with_name("network.c")
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O2", "-o", program, source], check=True)
        compared = systems(program, scratch, stack)
        results: dict[tuple[str, str], list[float]] = {}
        todo = [(what, name) for _ in range(options.rounds) for what in OPERATIONS for name in compared]
        for what, name in track(todo, "measuring", console=console, transient=True):
            results.setdefault((what, name), []).append(compared[name](what, options.seconds))
    medians = {key: statistics.median(values) for key, values in results.items()}
    figures = Table("", *compared, title=f"medians of {options.rounds}")
    ratios = Table(
        "as fast as …",
        *(f"{name} / {base}" for base in ("kernel TCP", "AF_UNIX") for name in ("direct", "switched")),
        title="ratios: more than 1 is faster",
    )
    for what, (title, factor, unit, inverse) in OPERATIONS.items():
        figures.add_row(title, *(show(medians[what, name], factor, unit, inverse) for name in compared))
        ratios.add_row(
            title,
            *(
                f"{medians[what, name] / medians[what, base]:.2f}"
                for base in ("kernel TCP", "AF_UNIX")
                for name in ("direct", "switched")
            ),
        )
    console.print(figures)
    console.print(ratios)


if __name__ == "__main__":
    main()
