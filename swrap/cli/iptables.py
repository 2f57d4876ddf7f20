"""iptables, from inside a host: what smbtorture runs as its `torture:iptables_command`.

Owns which host that is. The command line is the network's affair: its words go there as they are.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from swrap.cli import labs, options
from swrap.lab.environment import HOST


def register(app: typer.Typer) -> None:
    """Add the command."""
    passing = {
        "allow_interspersed_args": False,
        "ignore_unknown_options": True,
        "help_option_names": ["--help"],
    }
    app.command("iptables", context_settings=passing)(iptables)


def iptables(
    words: Annotated[list[str] | None, typer.Argument(metavar="[ARGS...]", show_default=False)] = None,
    lab: options.Lab = None,
    host: options.Host = None,
) -> int:
    """Firewall rules of a host in iptables' words: -L -N -X -F -A -I -D, with -p tcp, --sport, --dport and -j.

    It is meant for programs that issue them, from inside a host; --host is for others. A rule drops packets that have
    its port at either end. Exit status and words are those of iptables(8); what is not understood is refused with 2.
    """
    joined = labs.require(lab)
    said = joined.call("iptables", host=joined.host(host or os.environ.get(HOST)), args=words or [])
    print(said["out"], end="")
    if said["error"]:
        print(said["error"], file=sys.stderr)
    return int(said["status"])
