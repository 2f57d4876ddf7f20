"""How results are shown: a cell of a table of ratios, and the table of figures that are none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from selftest.bench.contest import Benchmark, Comparison
from selftest.bench.figure import Measurement

WIDTH = 100


def cell(benchmark: Benchmark, against: str, seen: Comparison | None) -> str:
    """How ours compares, with what was to reach and whether it was."""
    unit = benchmark.unit
    limit = unit.level if against == "socket_wrapper" else benchmark.targets.get(against)
    if seen is None:
        return "-" if limit is None else f"no {against} here"
    shown = f"{seen.compared:.2f}" if abs(seen.compared) < 100 else f"{seen.compared:,.0f}"
    if limit is None:
        return shown
    mark = "[green]✓[/]" if unit.meets(seen.compared, limit) else "[red]✗[/]"
    return f"{shown} {'≤' if unit.less else '≥'} {limit:.4g} {mark}"


def measure(title: str, measurements: Iterable[Measurement], scratch: Path, console: Console) -> None:
    """Take the figures that are no ratios, and print their table."""
    table = Table("", "measured", "to reach", "", title=title, box=box.SIMPLE_HEAD, title_justify="left")
    with console.status("measuring") as status:
        for one in measurements:
            status.update(one.name)
            for figure in one.figures(scratch / one.name):
                mark = "[green]✓[/]" if figure.met() else "[red]✗[/]"
                table.add_row(
                    figure.title,
                    f"{figure.measured:.2f} {figure.unit}",
                    figure.wanted(),
                    mark if figure.wanted() else "",
                )
    console.print(table)
