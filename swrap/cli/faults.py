"""Faults by hand on a running lab: link, block, unblock, reset, heal.

Owns how their arguments are written. What they mean, and which names exist, the switch decides: its answers
are passed on.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any

import typer

from swrap.cli import labs, options
from swrap.lab.errors import Refused


class Carrier(StrEnum):
    """What a cable can be."""

    up = "up"
    down = "down"


class Direction(StrEnum):
    """Seen from the host, interface or address that is named."""

    inwards = "in"
    outwards = "out"
    both = "both"


What = Annotated[
    str | None,
    typer.Argument(
        metavar="[HOST|HOST.IFACE|ADDRESS[:PORT]]",
        help="Whose traffic; [ADDRESS]:PORT for IPv6.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Only this port, at either end.", show_default=False)
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--between", metavar="A B", help="Only what goes between these two hosts.", show_default=False
    ),
]
Towards = Annotated[Direction, typer.Option("--direction", help="Which way.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (link, block, unblock, reset, heal):
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


def block(
    what: What = None,
    port: Port = None,
    between: Between = None,
    direction: Towards = Direction.both,
    lab: options.Lab = None,
) -> int:
    """Drop traffic silently, as a firewall does, until `swrap unblock`."""
    arguments = match(what, port, between)
    if direction is not Direction.both:
        arguments["direction"] = direction.value
    result = labs.require(lab).call("block", **arguments)
    print(f"rule {result['rule']} drops it: {touched(result)}")
    return 0


def unblock(
    rule: Annotated[
        int | None, typer.Argument(metavar="[RULE]", help="Default: all of them.", show_default=False)
    ] = None,
    lab: options.Lab = None,
) -> int:
    """Take back a rule that `swrap block` made, or all of them."""
    labs.require(lab).call("unblock", **({} if rule is None else {"rule": rule}))
    print("all rules are gone" if rule is None else f"rule {rule} is gone")
    return 0


def reset(what: What = None, port: Port = None, between: Between = None, lab: options.Lab = None) -> int:
    """Reset connections: both ends see ECONNRESET."""
    result = labs.require(lab).call("reset", **match(what, port, between))
    print(f"reset: {touched(result)}")
    return 0


def heal(lab: options.Lab = None) -> int:
    """Back to health: all links up, no rules, rates as the lab says."""
    labs.require(lab).call("heal")
    print("healthy")
    return 0


def match(what: str | None, port: int | None, between: tuple[str, str] | None) -> dict[str, Any]:
    """The arguments that tell the switch which traffic is meant. Refused where none would be."""
    result: dict[str, Any] = {}
    if what is not None:
        result.update(_named(what))
    if port is not None:
        if result.get("port", port) != port:
            raise Refused(f"--port {port} and {what} do not agree")
        if not 0 < port < 65536:
            raise Refused(f"--port {port}: a port is 1 to 65535")
        result["port"] = port
    if between is not None:
        result["between"] = list(between)
    if not result:
        raise Refused("which traffic? Name a host, HOST.IFACE or an address, or give --port or --between")
    return result


def _named(what: str) -> dict[str, Any]:
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", what)
    with_port = re.fullmatch(r"([0-9.]+):(\d+)", what)
    address, port = what, None
    if found := bracketed or with_port:
        address, port = found[1], found[2]
    try:
        result: dict[str, Any] = {"address": str(ip_address(address))}
    except ValueError:
        if bracketed or with_port:
            raise Refused(f"{what}: {address} is no IP address") from None
        return {"interface" if "." in what else "host": what}
    if port is not None:
        result["port"] = int(port)
    return result


def touched(result: Any) -> str:
    """`2 flows, 18234 bytes under way`, in the switch's own figures."""
    flows, held = result["flows"], result["bytes"]
    return f"{flows} flow{'' if flows == 1 else 's'}, {held} byte{'' if held == 1 else 's'} under way"
