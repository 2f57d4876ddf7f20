"""exec, shell and env: programs inside a host.

Owns the choice between joining a lab, in which case this process becomes the program, and owning one for as
long as the program lives.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Annotated

import typer

from swrap.abi.paths import libswrap
from swrap.cli import foreground, interrupt, labs, options
from swrap.cli import pcap as captures
from swrap.lab import environment, registry, source, target
from swrap.lab.capture import Wanted
from swrap.lab.environment import LAB
from swrap.lab.errors import LabError, Refused
from swrap.lab.lab import Lab
from swrap.topology import Host, Interface, Topology

_PRIVATE_HOST = "host"
_PRIVATE_ADDRESS = IPv4Interface("10.0.0.1/24")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    passing = {"allow_interspersed_args": False, "ignore_unknown_options": False}
    app.command("exec", context_settings=passing)(exec_)
    app.command()(shell)
    app.command()(env)


def exec_(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="The program and its arguments.")],
    lab: options.Lab = None,
    host: options.Host = None,
    guard: Annotated[bool, options.GUARD] = True,
    pcap: captures.File = None,
    pcap_filter: captures.Filter = None,
) -> int:
    """Run any program inside a host; the exit status is the program's.

    --lab FILE joins the lab that runs from that file, or starts one for as long as the program lives. Without
    --lab it gets a private network of one host.
    """
    return _inside(lab, host, command, guard=guard, capture=captures.wanted(pcap, pcap_filter))


def shell(lab: options.Lab = None, host: options.Host = None) -> int:
    """Open a shell inside a host."""
    return _inside(lab, host, [os.environ.get("SHELL") or "/bin/sh"], guard=True)


def env(
    lab: options.Lab = None,
    host: options.Host = None,
    shim: Annotated[
        bool, typer.Option("--shim", help="Only the path of libswrap.so, for LD_PRELOAD by hand.")
    ] = False,
) -> int:
    """Print what `exec` puts into a program's environment, as export lines for a shell or gdb."""
    if shim:
        try:
            print(libswrap())
        except FileNotFoundError as error:
            raise LabError(str(error)) from None
        return 0
    joined = labs.require(lab)
    for name, value in joined.environment(joined.host(host), os.environ).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _inside(
    lab: str | None, host: str | None, argv: Sequence[str], *, guard: bool, capture: Wanted | None = None
) -> int:
    if lab is None and not os.environ.get(LAB):
        if capture is not None:
            raise Refused("--pcap: a private network has no switch; name a lab with --lab")
        return _own(_private(host), None, host or _PRIVATE_HOST, argv, guard=guard)
    with contextlib.ExitStack() as starting:
        starting.enter_context(registry.joining())
        joined = labs.find(lab)
        if joined is not None:
            if capture is not None:
                raise Refused(
                    f"--pcap: {lab or joined.name} runs already; `swrap capture start` captures there"
                )
            starting.close()
            joined.enter(joined.host(host), argv)
        topology, file = source.load(Path(lab or ""))
        chosen = environment.pick_host([one.name for one in topology.hosts], host, str(lab))
        return _own(topology, file, chosen, argv, guard=guard, starting=starting, capture=capture)


def _own(
    topology: Topology,
    file: Path | None,
    host: str,
    argv: Sequence[str],
    *,
    guard: bool,
    starting: contextlib.ExitStack | None = None,
    capture: Wanted | None = None,
) -> int:
    """Start a lab, release ``starting`` for those who wait to join it, and run the program in it."""
    # Before anything is started: the most likely mistake should be the cheapest.
    target.check(argv, env=os.environ)

    async def main() -> int:
        lab = await Lab.start(
            topology,
            source=file,
            guard=guard,
            direct=file is None,
            command="exec",
            adopt=True,
            capture=capture,
        )
        with captures.complaining(lab):
            async with lab:
                if starting is not None:
                    starting.close()
                return await foreground.run(lab, host, argv)

    return interrupt.run(main())


def _private(host: str | None) -> Topology:
    interface = Interface("eth0", (_PRIVATE_ADDRESS,))
    try:
        return Topology((Host(host or _PRIVATE_HOST, (interface,)),))
    except ValueError as error:
        raise Refused(f"--host: {error}") from None
