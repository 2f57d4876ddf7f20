"""capture, and the options --pcap and --pcap-filter of the commands that start a lab.

Owns how a capture is asked for, and the line on stderr where its file is not what it should be.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from swrap.cli import labs, options, traffic
from swrap.lab.capture import Wanted
from swrap.lab.errors import Refused
from swrap.lab.lab import Lab

File = Annotated[
    Path | None,
    typer.Option(
        "--pcap",
        metavar="FILE",
        help="Write the network's packets, as pcapng, for Wireshark.",
        show_default=False,
    ),
]

Filter = Annotated[
    str | None,
    typer.Option(
        "--pcap-filter",
        metavar="KEY=VALUE,...",
        help="Only packets of these: host, interface, address, port. Other traffic is not slowed.",
        show_default=False,
    ),
]

commands = typer.Typer(no_args_is_help=True, help="Capture packets of a running lab.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="capture")


@commands.command()
def start(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A pcapng file; what was in it is lost.")],
    what: traffic.What = None,
    port: traffic.Port = None,
    between: traffic.Between = None,
    lab: options.Lab = None,
) -> int:
    """Write packets to a file, of all traffic or of what is named."""
    named = what is not None or port is not None or between is not None
    selectors = traffic.match(what, port, between) if named else {}
    labs.require(lab).call("capture", file=str(file.absolute()), **selectors)
    print(f"packets are written to {file}")
    return 0


@commands.command()
def stop(lab: options.Lab = None) -> int:
    """End it; the file is whole a moment later."""
    labs.require(lab).call("capture-stop")
    return status(lab)


@commands.command()
def status(lab: options.Lab = None) -> int:
    """Say how it stands: the file, its packets, those missing, what ended it."""
    for key, value in labs.require(lab).call("capture-status").items():
        print(f"{key}: {value}")
    return 0


def wanted(file: Path | None, only: str | None) -> Wanted | None:
    """What the two options ask for. Refused where the second stands alone, or is no list of KEY=VALUE."""
    if file is None:
        if only is not None:
            raise Refused("--pcap-filter: of which --pcap?")
        return None
    if not file.absolute().parent.is_dir():
        raise Refused(f"--pcap {file}: no directory {file.parent}")
    selectors: dict[str, str | int] = {}
    for part in only.split(",") if only else ():
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise Refused(f"--pcap-filter: {part!r} is not KEY=VALUE")
        selectors[key] = int(value) if key in ("port", "sport", "dport") and value.isdecimal() else value
    return Wanted(file, selectors)


@contextlib.contextmanager
def complaining(lab: Lab) -> Iterator[None]:
    """When the lab is closed, inside this, say what is wrong with its capture."""
    try:
        yield
    finally:
        complain(lab.complaint)


def complain(complaint: str | None) -> None:
    """Say on stderr what is wrong with a capture, if something is."""
    if complaint is not None:
        print(f"swrap: the capture {complaint}", file=sys.stderr)
