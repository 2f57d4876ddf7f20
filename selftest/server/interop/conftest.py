"""The server where foreign clients meet it: on the kernel's loopback, and in a host of a network under the shim."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.support import netns
from selftest.support.network import network
from selftest.support.service import Service
from selftest.support.smb_server import Running

Run = Callable[..., subprocess.CompletedProcess[str]]
WITHIN = 60.0


@dataclass
class Place:
    """``run`` runs a program where it reaches the server at ``address`` and ``port``; ``share`` is what is served."""

    address: str
    port: int
    share: Path
    run: Run

    def python(self, script: Path, *arguments: str | Path) -> None:
        """Run a client script of this folder to its end, which has to be a good one."""
        done = self.run(sys.executable, script, self.address, str(self.port), *arguments)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def _on_loopback(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in argv], capture_output=True, text=True, timeout=WITHIN, check=False
    )


@pytest.fixture(scope="module", params=["kernel", "shim"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    netns.enter()
    folder = tmp_path_factory.mktemp("interop")
    share = folder / "share"
    if request.param == "kernel":
        with Running(share) as running:
            yield Place("127.0.0.1", running.port, share, _on_loopback)
            assert running.end() == 0
            assert running.process.stderr is not None
            assert b" error " not in running.process.stderr.read(), "an error of the server's own"
        return
    share.mkdir()
    command = [sys.executable, "-m", "server", "--share", f"data={share}", "--user", "alice%secret"]
    with network(folder / "net") as lab, Service.on(lab, "server", command) as server:
        server.says("listening")

        def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
            return lab.run("laptop", *argv, timeout=WITHIN)

        yield Place("10.0.1.1", 445, share, run)
        assert " error " not in server.said, "an error of the server's own"


@pytest.fixture
def emptied(place: Place) -> Place:
    """The place, with nothing in its share."""
    for path in sorted(place.share.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return place
