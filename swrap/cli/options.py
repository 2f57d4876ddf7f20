"""Options that several commands share, each described once."""

from __future__ import annotations

from typing import Annotated

import typer

Lab = Annotated[
    str | None,
    typer.Option(
        "--lab",
        metavar="DIR|FILE",
        help="A running lab, by its directory or by the file that it runs from.",
        show_default=False,
    ),
]

Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help="The host; may be left out where there is only one.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="One JSON document, for programs.")]

GUARD = typer.Option(
    "--guard/--no-guard",
    help="Whether its programs are kept from making sockets of the machine's real network.",
)
