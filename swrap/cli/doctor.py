"""doctor: what would keep a program from being wrapped here.

Owns how the findings are shown; what is tried is `swrap.lab.trials`, and a program is judged by
`swrap.lab.target`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated

import typer

from swrap.cli import options
from swrap.lab import target, trials
from swrap.lab.errors import CannotWrap, NoProgram


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    program: Annotated[
        str | None,
        typer.Argument(metavar="[PROGRAM]", help="A program to judge too.", show_default=False),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Try all that a lab needs of this machine; exit status 1 if something is missing."""
    findings = trials.all_findings()
    if program is not None:
        findings.append(_judge(program))
    if as_json:
        print(json.dumps([asdict(one) for one in findings], indent=1))
    else:
        width = max(len(one.name) for one in findings)
        for one in findings:
            print(f"{'ok' if one.fine else 'NO':<3} {one.name:<{width}}  {one.found}")
            if one.remedy and not one.fine:
                print(f"{'':<4}{'':<{width}}  → {one.remedy}")
    return 0 if all(one.fine for one in findings) else 1


def _judge(program: str) -> trials.Finding:
    try:
        return trials.Finding(program, True, f"{target.check([program], env=os.environ)} can be wrapped")
    except (CannotWrap, NoProgram) as error:
        return trials.Finding(program, False, str(error))
