"""ss: the virtual sockets of a lab with their state, addresses, bytes and holders.

Owns the rows: one for each end of each flow, and one for each listener. The figures are the switch's; who
holds a socket the kernel knows. Or, with --gaps, what programs asked for in vain (gaps.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from swrap.cli import counters, gaps, labs, options
from swrap.lab.holders import Holder, holders
from swrap.lab.joined import Joined

_HEAD = ("State", "Host", "Local", "Peer", "Acked", "Un-acked", "Received", "Holders")
_MORE = ("Packets", "Lost")
_NUMBERS = frozenset(("Acked", "Un-acked", "Received", *_MORE))
_COMMAND = 40  # characters of a command line in a table


@dataclass(frozen=True, slots=True)
class Socket:
    """One end. ``acked``: bytes that it sent and the peer has; ``unacked``: sent, and on their way or stuck.

    ``packets`` carried the first; ``lost`` is how many were stopped by a fault, retransmissions not counted.
    """

    state: str
    host: str
    local: str
    peer: str | None
    inode: int
    flow: int | None = None
    interface: str | None = None
    acked: int = 0
    unacked: int = 0
    received: int = 0
    packets: int = 0
    lost: int = 0
    blocked: bool = False
    held_by: tuple[Holder, ...] = ()


Gaps = Annotated[
    bool, typer.Option("--gaps", help="Instead: what programs asked for and did not get, and how often.")
]


Info = Annotated[
    bool,
    typer.Option(
        "--info", "-i", help="Packets too, and those that faults stopped; for each interface as well."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ss")(ss)


def ss(
    lab: options.Lab = None, as_json: options.Json = False, show_gaps: Gaps = False, info: Info = False
) -> int:
    """Show the virtual sockets of a lab, and which processes hold them."""
    if show_gaps:
        return gaps.show(labs.require(lab), as_json=as_json)
    joined = labs.require(lab)
    found = sockets(joined)
    if as_json:
        told = [asdict(one) for one in found]
        print(
            json.dumps(
                {"sockets": told, "interfaces": counters.interfaces(joined)} if info else told, indent=1
            )
        )
        return 0
    (_table if sys.stdout.isatty() else _columns)(found, info)
    if info:
        print()
        counters.show(counters.interfaces(joined))
    return 0


def sockets(joined: Joined) -> list[Socket]:
    """Listeners first, then both ends of every flow.

    In a direct lab, which nobody counts in, only listeners.
    """
    rows = [Socket("LISTEN", one.host, str(one.own), None, one.inode) for one in joined.listeners()]
    if not joined.record.direct:
        for flow in joined.call("flows"):
            rows.extend(_ends(flow))
    held = holders([row.inode for row in rows if row.inode])
    return [Socket(**{**_fields(row), "held_by": tuple(held.get(row.inode, ()))}) for row in rows]


def _fields(row: Socket) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Socket.__slots__}


def _ends(flow: dict[str, Any]) -> Iterator[Socket]:
    for own, other in (("client", "server"), ("server", "client")):
        state = str(flow["state"] if own == "client" else flow["server_state"])
        if own == "server" and not flow["server_ino"] and state.startswith("syn"):
            continue  # nobody has accepted it: there is no such socket yet
        sent, got = flow[f"to_{other}"], flow[f"to_{own}"]
        interfaces = flow.get("interfaces") or []
        host = flow[f"{own}_host"]
        yield Socket(
            state=state.upper().replace("_", "-"),
            host=host,
            local=flow[own],
            peer=flow[other],
            inode=flow[f"{own}_ino"],
            flow=flow["id"],
            interface=next((name for name in interfaces if name.startswith(f"{host}.")), None),
            acked=sent["bytes"],
            unacked=sent["unacked"],
            received=got["bytes"],
            packets=sent["packets"],
            lost=sent["lost"],
            blocked=sent["blocked"],
        )


def _head(info: bool) -> tuple[str, ...]:
    return (*_HEAD[:-1], *(_MORE if info else ()), _HEAD[-1])


def _cells(row: Socket, info: bool) -> list[str]:
    numbers = [row.acked, row.unacked, row.received, *([row.packets, row.lost] if info else ())]
    figures = [str(number) if row.peer else "" for number in numbers]
    who = ", ".join(f"{one.pid} {_short(one.command)}" for one in row.held_by)
    return [row.state, row.host, row.local, row.peer or "*", *figures, who or "-"]


def _short(command: str) -> str:
    """Without the folder of the program, and cut where it gets long."""
    program, *rest = command.split(" ", 1)
    command = " ".join([program.rpartition("/")[2] or program, *rest])
    return command if len(command) <= _COMMAND else command[: _COMMAND - 1] + "…"


def _columns(rows: list[Socket], info: bool) -> None:
    head = _head(info)
    lines = [list(head), *(_cells(row, info) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [
            cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _table(rows: list[Socket], info: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in _head(info):
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=name != "Holders")
    for row in rows:
        style = "red" if row.blocked or row.unacked else "dim" if row.state == "LISTEN" else ""
        table.add_row(*(Text(cell) for cell in _cells(row, info)), style=style)
    Console().print(table if rows else "no sockets")
