"""The servers that are compared, each running for as long as it is measured, on the loopback of this network namespace.

Knows how each is started and what it is at its best with; not what is asked of it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from selftest.bench.server.raw import PASSWORD, SHARE, USER
from selftest.support import samba
from selftest.support.service import WITHIN, Service
from server.wire.negotiate import Dialect
from swrap.abi import lib

OURS, SMBD, IMPACKET = "ours", "smbd", "impacket"
_IMPACKET = """
import sys
from impacket.smbserver import SimpleSMBServer
server = SimpleSMBServer("127.0.0.1", int(sys.argv[1]))
server.setSMB2Support(True)
server.addShare("DATA", sys.argv[2])
server.start()
"""
"""Without credentials it lets everybody in and signs nothing: so it is fastest."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A running server. `largest`: bytes of the largest READ and WRITE that it takes."""

    name: str
    address: tuple[str, int]
    share: Path
    process: int
    dialect: Dialect = Dialect.SMB_3_1_1
    largest: int = 1 << 20


def running(scratch: Path, stack: ExitStack) -> list[Rival]:
    """All that this machine has, ours first."""
    rivals = [stack.enter_context(ours(scratch / OURS))]
    with contextlib.suppress(pytest.skip.Exception):  # not installed
        rivals.append(stack.enter_context(smbd(scratch / SMBD)))
    if find_spec("impacket") is not None:
        rivals.append(stack.enter_context(impacket(scratch / IMPACKET)))
    return rivals


@contextmanager
def ours(folder: Path, *flags: str) -> Iterator[Rival]:
    """Signing is offered and not required, as with the others: every row says whether it signs."""
    folder.mkdir()
    (folder / "share").mkdir()
    address = ("127.0.0.1", 4450)
    command = [
        *(sys.executable, "-m", "server", "--address", address[0], "--port", str(address[1])),
        *(
            "--share",
            f"{SHARE}={folder}/share",
            "--user",
            f"{USER}%{PASSWORD}",
            "--signing",
            "enabled",
            *flags,
        ),
    ]
    with _started(command, folder / "log") as service:
        _reachable(address, service)
        yield Rival(OURS, address, folder / "share", service.process.pid)


@contextmanager
def smbd(folder: Path) -> Iterator[Rival]:
    """Debian's, as plain as it comes."""
    configured, address = samba.Samba(folder, plain=True), ("127.0.0.1", 445)
    with _started(configured.command(shim=False, debug=1), folder / "said") as service:
        _reachable(address, service)
        yield Rival(SMBD, address, configured.share, service.process.pid)


@contextmanager
def impacket(folder: Path) -> Iterator[Rival]:
    (folder / "share").mkdir(parents=True)
    address = ("127.0.0.1", 4451)
    command = [sys.executable, "-c", _IMPACKET, str(address[1]), str(folder / "share")]
    with _started(command, folder / "log") as service:
        _reachable(address, service)
        yield Rival(
            IMPACKET, address, folder / "share", service.process.pid, Dialect.SMB_2_0_2, largest=65536
        )


def _started(command: list[str], log: Path) -> Service:
    """What it says goes into a file: reading along would cost whoever measures."""
    parent = os.getpid()

    def prepare() -> None:
        if lib.sw_die_with_parent(parent):
            os._exit(126)

    with log.open("wb") as said:
        return Service(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
                start_new_session=True,
                preexec_fn=prepare,
            )
        )


def _reachable(address: tuple[str, int], service: Service) -> None:
    """Wait until it listens: it says so, but into a file."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            socket.create_connection(address).close()
        except ConnectionRefusedError:
            if service.process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
