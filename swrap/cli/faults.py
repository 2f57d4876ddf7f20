"""Faults by hand on a running lab that are no rules: of interfaces, addresses, and reset. `rules` has the others."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from swrap.cli import labs, options
from swrap.cli.traffic import Between, Direction, Flow, Port, Towards, What, match, touched
from swrap.document import units
from swrap.lab.errors import Refused

Interface = Annotated[str, typer.Argument(metavar="HOST.IFACE")]


class Carrier(StrEnum):
    """What a cable can be."""

    up = "up"
    down = "down"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (link, rate, speed, add_address, remove_address, move, reset):
        app.command(command.__name__.replace("_", "-"))(command)


def link(
    interface: Interface,
    state: Annotated[Carrier, typer.Argument(metavar="up|down")],
    lab: options.Lab = None,
) -> int:
    """Pull an interface's cable, or put it back."""
    result = labs.require(lab).call("link", interface=interface, up=state is Carrier.up)
    print(f"{interface} is {state.value}: {touched(result)}")
    return 0


def rate(
    interface: Interface,
    rate: Annotated[str, typer.Argument(metavar="RATE|none", help="In bits per second, such as 80M.")],
    lab: options.Lab = None,
) -> int:
    """Let an interface carry no more than so much."""
    return _done(lab, "rate", interface=interface, rate=None if rate == "none" else _bits(rate))


def speed(
    interface: Interface,
    speed: Annotated[str, typer.Argument(metavar="SPEED", help="In bits per second, such as 1G.")],
    lab: options.Lab = None,
) -> int:
    """Let an interface report another speed; what it carries stays."""
    return _done(lab, "speed", interface=interface, speed=_bits(speed))


def add_address(
    interface: Interface,
    address: Annotated[str, typer.Argument(metavar="ADDRESS/PREFIX")],
    lab: options.Lab = None,
) -> int:
    """Give an interface one more address."""
    return _done(lab, "add-address", interface=interface, address=address)


def remove_address(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")], lab: options.Lab = None
) -> int:
    """Take an address from its interface."""
    return _done(lab, "remove-address", address=address)


def move(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    to: Interface,
    reset: Annotated[bool, typer.Option("--reset", help="End its established flows with a RST.")] = False,
    lab: options.Lab = None,
) -> int:
    """Move an address to another interface, as a cluster does."""
    return _done(lab, "move", address=address, to=to, reset=reset)


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


def _done(lab: options.Lab, verb: str, **arguments: Any) -> int:
    print(f"{verb}: {touched(labs.require(lab).call(verb, **arguments))}")
    return 0


def _bits(text: str) -> int:
    try:
        return units.rate(text)
    except ValueError as error:
        raise Refused(str(error)) from None
