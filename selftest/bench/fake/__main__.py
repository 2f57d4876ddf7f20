"""Measure, and print the table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from selftest.bench.fake import many, stories, streams

FIGURES = (
    many.MEMORY,  # first: what others have used is not given back to the system
    streams.ECHO,
    streams.BULK,
    stories.DEMONSTRATION,
    stories.FAULTS,
    many.HEARTBEATS,
)


def hold(wanted: Sequence[str], console: Console) -> None:
    """Measure those, and print the table."""
    table = Table(
        "", "measured", "to reach", title="the fake network", box=box.SIMPLE_HEAD, title_justify="left"
    )
    with console.status("measuring") as status:
        for figure in FIGURES:
            if figure.name in wanted:
                status.update(figure.title)
                found = figure.median()
                mark = "[green]✓[/]" if figure.reached(found) else "[red]✗[/]"
                limit = f"{'≤' if figure.less else '≥'} {figure.limit:g} {figure.unit} {mark}"
                table.add_row(figure.title, f"{found:.2f} {figure.unit}", limit)
    console.print(table)


def main() -> None:
    """Those that were asked for, or all."""
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(prog="python -m selftest.bench.fake", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *names], help=", ".join(names))
    hold(parser.parse_args().names or names, Console(width=100))


if __name__ == "__main__":
    main()
