"""A network as people have it with libsocket_wrapper: LD_PRELOAD and SOCKET_WRAPPER_* by hand, no lab, and no guard.

So every program runs in a namespace without any network, in which a leak leads nowhere: where root runs the tests in that
of the tests themselves, otherwise in one that an ordinary user may make.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.support import netns
from selftest.support.service import WITHIN, Service
from swrap.abi.paths import libswrap


@contextmanager
def namespace() -> Iterator[tuple[str, ...]]:
    """What to put in front of commands so that all of them run in one namespace; skips where there can be none."""
    if netns.enter():
        yield ()
        return
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("unshare and nsenter are missing: Debian's package util-linux has them")
    keeper = subprocess.Popen(
        ["unshare", "--map-current-user", "--net", "sh", "-c", "echo in; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert keeper.stdout is not None
        if not keeper.stdout.readline():
            pytest.skip("this kernel lets no ordinary user make a network namespace")
        yield ("nsenter", f"--target={keeper.pid}", "--user", "--net", "--preserve-credentials", "--")
    finally:
        keeper.communicate()


@dataclass(frozen=True, slots=True)
class Dropin:
    """Programs with one SOCKET_WRAPPER_DIR, which need not exist."""

    prefix: tuple[str, ...]
    directory: Path
    preload: str = ""
    """Another library than ours, for a comparison."""

    def _line(self, argv: tuple[str | Path, ...], iface: int, more: Mapping[str, str]) -> list[str]:
        preload = {"LD_PRELOAD": self.preload or str(libswrap())}
        own = {"SOCKET_WRAPPER_DIR": str(self.directory), "SOCKET_WRAPPER_DEFAULT_IFACE": str(iface)}
        # Set by env(1): nsenter itself is no program of the network.
        words = [f"{name}={value}" for name, value in {**preload, **own, **more}.items()]
        return [*self.prefix, "env", *words, *map(str, argv)]

    def run(self, *argv: str | Path, iface: int = 1, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; `more` are further variables."""
        line = self._line(argv, iface, more)
        return subprocess.run(
            line,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def start(self, *argv: str | Path, iface: int = 1, **more: str) -> Service:
        """Start a server program."""
        process = subprocess.Popen(
            self._line(argv, iface, more),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Service(process)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SOCKET_WRAPPER_")}
