"""Faults by hand on a running lab that are no rules: link, reset. `rules` has the others."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from swrap.cli import labs, options
from swrap.cli.traffic import Between, Direction, Flow, Port, Towards, What, match, touched


class Carrier(StrEnum):
    """What a cable can be."""

    up = "up"
    down = "down"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (link, reset):
        app.command()(command)


def link(
    interface: Annotated[str, typer.Argument(metavar="HOST.IFACE")],
    state: Annotated[Carrier, typer.Argument(metavar="up|down")],
    lab: options.Lab = None,
) -> int:
    """Pull an interface's cable, or put it back."""
    result = labs.require(lab).call("link", interface=interface, up=state is Carrier.up)
    print(f"{interface} is {state.value}: {touched(result)}")
    return 0


def reset(
    what: What = None,
    port: Port = None,
    between: Between = None,
    direction: Towards = Direction.both,
    flow: Flow = None,
    lab: options.Lab = None,
) -> int:
    """Reset connections: both ends see ECONNRESET."""
    result = labs.require(lab).call("reset", **match(what, port, between, direction.value, flow=flow))
    print(f"reset: {touched(result)}")
    return 0
