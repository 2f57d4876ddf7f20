"""Which traffic a command means, as it is written on a command line; and what was touched, as it is told.

Owns the spelling. What it means, and which names exist, the switch decides: its answers are passed on.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any

import typer

from swrap.lab.errors import Refused


class Direction(StrEnum):
    """Seen from the host, interface or address that is named."""

    inwards = "in"
    outwards = "out"
    both = "both"


class State(StrEnum):
    """Was the connection answered?"""

    new = "new"
    established = "established"
    any = "any"


What = Annotated[
    str | None,
    typer.Argument(
        metavar="[HOST[,HOST…]|HOST.IFACE|ADDRESS[:PORT]]",
        help="Whose traffic; [ADDRESS]:PORT for IPv6.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Only this port, at either end.", show_default=False)
]
Sport = Annotated[
    int | None,
    typer.Option("--sport", metavar="N", help="Only what is sent from this port.", show_default=False),
]
Dport = Annotated[
    int | None,
    typer.Option("--dport", metavar="N", help="Only what is sent to this port.", show_default=False),
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--between",
        metavar="A B",
        help="Only what goes between these two hosts, or sets of hosts.",
        show_default=False,
    ),
]
Flow = Annotated[
    int | None,
    typer.Option("--flow", metavar="N", help="Only the flow of this number.", show_default=False),
]
Towards = Annotated[Direction, typer.Option("--direction", help="Which way.")]
Tracked = Annotated[State, typer.Option("--state", help="Only new connections, or only established ones.")]


def match(
    what: str | None,
    port: int | None = None,
    between: tuple[str, str] | None = None,
    direction: str = "both",
    state: str = "any",
    flow: int | None = None,
    sport: int | None = None,
    dport: int | None = None,
) -> dict[str, Any]:
    """The arguments that tell the switch which traffic is meant. Refused where none would be."""
    result: dict[str, Any] = {}
    if what is not None:
        result.update(_named(what))
    if port is not None and result.get("port", port) != port:
        raise Refused(f"--port {port} and {what} do not agree")
    for option, number in (("port", port), ("sport", sport), ("dport", dport)):
        if number is not None:
            if not 0 < number < 65536:
                raise Refused(f"--{option} {number}: a port is 1 to 65535")
            result[option] = number
    if between is not None:
        result["between"] = [hosts(one) for one in between]
    if flow is not None:
        result["flow"] = flow
    if not result:
        raise Refused(
            "which traffic? Name a host, HOST.IFACE or an address, or give "
            "--port, --sport, --dport, --between or --flow"
        )
    result |= {} if direction == "both" else {"direction": direction}
    return result | ({} if state == "any" else {"state": state})


def hosts(text: str) -> str | list[str]:
    """`a`, or `a,b` for a set of hosts."""
    return text.split(",") if "," in text else text


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
        return {"interface": what} if "." in what else {"host": hosts(what)}
    if port is not None:
        result["port"] = int(port)
    return result


def touched(result: Any) -> str:
    """`2 flows, 18234 bytes under way`, in the switch's own figures."""
    flows, held = result["flows"], result["bytes"]
    return f"{flows} flow{'' if flows == 1 else 's'}, {held} byte{'' if held == 1 else 's'} under way"
