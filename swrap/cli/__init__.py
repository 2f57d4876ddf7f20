"""The command line: `swrap`.

    app       the commands put together; how errors become one line and an exit status
    labs      which lab is meant
    options   options that several commands share
    program   exec, shell, env: programs inside a host
    foreground  a program that we started and wait for: signals, terminal, exit status
    updown    up, down: labs that stay
    faults    link, rate, move, reset, …: by hand on a running lab
    rules     block, delay, …, and unblock, release, heal
    traffic   how those name what they mean
    sockets   ss
    scenarios run, check, schema, demo, events
    doctor    what would keep a program from being wrapped here

Thin throughout: what is done is done by `swrap.lab`, `swrap.scenario` and `swrap.report`; what a command
prints for people goes to stdout if it was asked for and to stderr if it is news. Nothing imports this
package.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """The console script: run the command in sys.argv and exit with its status."""
    from swrap.cli.app import run  # here: so that importing the package costs nothing

    sys.exit(run(sys.argv[1:]))
