"""up and down: labs that stay until they are told.

Owns what `up` prints, and how it goes into the background: by starting itself again without the terminal, and
waiting until that one is up or has said on our stderr why not.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer

from swrap.cli import interrupt, labs, options
from swrap.cli import pcap as captures
from swrap.lab import registry, source
from swrap.lab.environment import PYTHON, of_helper
from swrap.lab.errors import LabError, Refused
from swrap.lab.lab import Lab
from swrap.lab.record import Process, ask_to_end
from swrap.topology import Topology

_DOWN_WITHIN = 15.0  # seconds; a guard, after which the owner is killed and the keeper does the rest


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)


def up(
    file: Annotated[Path, typer.Argument(metavar="LAB.yaml", help="The lab, or a scenario whose lab it is.")],
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help="Its directory, absent or empty; removed when the lab ends.",
            show_default=False,
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it is up; `swrap down` ends it.")
    ] = False,
    guard: Annotated[bool, options.GUARD] = True,
    pcap: captures.File = None,
    pcap_filter: captures.Filter = None,
    ready_fd: Annotated[int | None, typer.Option("--ready-fd", hidden=True)] = None,
) -> int:
    """Keep a lab running, until Ctrl-C or `swrap down`."""
    if detach:
        return _detach(file, directory, guard, pcap, pcap_filter)
    capture = captures.wanted(pcap, pcap_filter)
    topology, lab_file = source.load(file)
    with contextlib.ExitStack() as starting:
        starting.enter_context(registry.joining())
        others = registry.of_file(lab_file)
        if others and directory is None:
            raise Refused(
                f"{file}: runs already, in {others[0].directory} (pid {others[0].record.owner.pid}); "
                "--dir DIR starts another one"
            )

        async def main() -> int:
            lab = await Lab.start(
                topology,
                source=lab_file,
                directory=directory,
                guard=guard,
                command="up",
                adopt=True,
                capture=capture,
            )
            with captures.complaining(lab):
                async with lab:
                    starting.close()
                    _announce(lab, file, ready_fd)
                    await lab.failed.wait()
                    if lab.failed.told:
                        return 0
                    raise LabError(f"{file}: the lab has failed: {lab.failed.reason}")

        status = interrupt.run(main())
    # Being told to end is what it waits for: Ctrl-C and `swrap down` are no failures of it.
    return 0 if status > interrupt.BY_SIGNAL else status


def down(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[DIR|FILE]", help="The same as --lab.", show_default=False),
    ] = None,
    lab: options.Lab = None,
) -> int:
    """End a lab with all its programs, and wait until nothing of it is left."""
    joined = labs.require(which or lab)
    record = joined.record
    ask_to_end(joined.directory)
    # The keeper ends all the rest, whatever state the owner is in; should it not, the owner's death makes it.
    if not _end(record.keeper, signal.SIGTERM, [record.owner, record.keeper]):
        _end(record.owner, signal.SIGKILL, [record.owner, record.keeper])
    if joined.directory.exists():
        raise LabError(f"{joined.directory}: still there after {_DOWN_WITHIN:g} s")
    print(f"{joined.name} is down")
    return 0


def _end(told: Process | None, number: signal.Signals, awaited: list[Process | None]) -> bool:
    """Signal ``told``, one of them; True once all of ``awaited`` have ended."""
    deadline = time.monotonic() + _DOWN_WITHIN
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        held: dict[int, Process] = {}
        for process in awaited:
            if process is None or not process.alive:
                continue
            with contextlib.suppress(ProcessLookupError):
                pidfd = os.pidfd_open(process.pid)
                stack.callback(os.close, pidfd)
                if process.alive:  # looked at again, now that it cannot be another one
                    held[pidfd] = process
                    poll.register(pidfd, select.POLLIN)
        for pidfd, process in held.items():
            if process == told:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, number)
        while held:
            ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ended:
                return False
            for pidfd, _ in ended:
                poll.unregister(pidfd)
                del held[pidfd]
    return True


def _announce(lab: Lab, file: Path, ready_fd: int | None) -> None:
    """Say that it is up, on stdout, or to whoever started us in the background; who then lets go of us."""
    text = f"{file} is up in {lab.directory}\n" + _picture(lab.topology)
    if ready_fd is None:
        print(text, end="", flush=True)
        return
    with os.fdopen(ready_fd, "w") as ready:
        ready.write(text)
    devnull = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        os.dup2(devnull, fd)
    os.close(devnull)


def _picture(topology: Topology) -> str:
    width = max(len(host.name) for host in topology.hosts)
    lines = []
    for host in topology.hosts:
        parts = [f"{one.name} {', '.join(map(str, one.addresses))}" for one in host.interfaces]
        lines.append(f"  {host.name:<{width}}  {'; '.join(parts) or 'no interfaces'}\n")
    return "".join(lines)


def _detach(
    file: Path, directory: Path | None, guard: bool, pcap: Path | None, pcap_filter: str | None
) -> int:
    ready, theirs = os.pipe()
    argv = [*PYTHON, "-m", "swrap.cli", "up", str(file), "--ready-fd", str(theirs)]
    argv += ["--dir", str(directory)] if directory else []
    argv += [] if guard else ["--no-guard"]
    argv += ["--pcap", str(pcap)] if pcap else []
    argv += ["--pcap-filter", pcap_filter] if pcap_filter else []
    try:
        process = subprocess.Popen(
            argv, env=of_helper(), stdin=subprocess.DEVNULL, pass_fds=[theirs], start_new_session=True
        )
    finally:
        os.close(theirs)
    with os.fdopen(ready) as pipe:
        text = pipe.read()
    if not text:
        return process.wait()  # it has said why
    process.returncode = 0  # it is not ours to wait for any more
    print(text, end="")
    return 0
