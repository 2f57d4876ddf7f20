"""A small network for the tests of the shim: a page, a switch (or none), and programs that are started in its hosts.

Below `swrap.lab`, so that a test of the shim fails for the shim alone. Everything started here runs behind the guard.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from swrap.abi import lib
from swrap.abi.page import Page
from swrap.abi.paths import libswrap
from swrap.topology import Host, Interface, Topology

TOPOLOGY = Topology(
    (
        Host(
            "server",
            (
                Interface(
                    "eth0",
                    (ip_interface("10.0.1.1/24"), ip_interface("fd00:1::1/64")),
                    speed=10**10,
                    rss=True,
                ),
                Interface("wlan0", (ip_interface("10.0.2.1/24"),), speed=300 * 10**6),
            ),
        ),
        Host(
            "laptop",
            (
                Interface(
                    "eth0",
                    (ip_interface("10.0.1.2/24"), ip_interface("fd00:1::2/64")),
                    speed=10**10,
                    rss=True,
                ),
                Interface("wlan0", (ip_interface("10.0.2.2/24"),), speed=300 * 10**6),
            ),
        ),
    )
)


class Hosts(ABC):
    """Where programs are started in hosts, whatever their network is."""

    @abstractmethod
    def start(self, host: str, argv: list[str | Path], **options: Any) -> subprocess.Popen[str]:
        """Start a program on `host`; it dies with us. `options` are Popen's."""

    def run(
        self, host: str, *argv: str | Path, timeout: float = 30, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on `host` to its end; if it does not come in time, that of its children too."""
        process = self.start(host, list(argv), start_new_session=True, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def python(self, host: str, program: str, timeout: float = 30) -> str:
        """Run a Python program on `host`; its output, or an AssertionError with what it said."""
        done = self.run(host, sys.executable, "-c", program, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Network(Hosts):
    """A running network in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def environment(self, host: str) -> dict[str, str]:
        """What makes a program one of `host`."""
        return {
            **os.environ,
            "LD_PRELOAD": str(libswrap()),
            "SWRAP_LAB": str(self.directory),
            "SWRAP_HOST": host,
        }

    def start(self, host: str, argv: list[str | Path], **options: Any) -> subprocess.Popen[str]:
        """Start a program on `host`, behind the guard; it dies with us."""
        parent = os.getpid()

        def prepare() -> None:
            if lib.sw_guard_install() or lib.sw_die_with_parent(parent):
                os._exit(126)

        options.setdefault("env", self.environment(host))
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
            **options,
        )


@contextlib.contextmanager
def network(directory: Path, *, direct: bool = False, topology: Topology = TOPOLOGY) -> Iterator[Network]:
    """A network in a fresh `directory`, with a switch unless `direct`."""
    directory.mkdir(mode=0o700)
    Page.create(directory / "page", topology, direct=direct).close()
    if direct:
        yield Network(directory)
        return
    ready, tell = os.pipe()
    owner, hold = os.pipe()
    command = [sys.executable, "-m", "swrap.switch", directory, "--owner-fd", owner, "--ready-fd", tell]
    switch = subprocess.Popen([str(part) for part in command], pass_fds=(owner, tell))
    os.close(owner)
    os.close(tell)
    try:
        with os.fdopen(ready) as lines:
            assert "ready" in lines.readline()
        yield Network(directory)
    finally:
        os.close(hold)
        assert switch.wait(10) == 0
