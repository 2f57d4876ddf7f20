"""Our server in a host of a lab, and clients in another that write and hold things: what a test under load needs.

Everything that a test waits for is a line of a program, or its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selftest.support import netns
from selftest.support.service import Service
from selftest.support.smb_load import missing
from server import control
from swrap.testing import RealLab

HOSTS = {
    "server": {
        "eth0": {"address": "10.0.1.1/24", "speed": "10G", "rss": True},
        "wlan0": {"address": "10.0.2.1/24", "speed": "300M"},
    },
    "laptop": {
        "eth0": {"address": "10.0.1.2/24", "speed": "10G", "rss": True},
        "wlan0": {"address": "10.0.2.2/24", "speed": "300M"},
    },
}


_MORE = 50


@dataclass
class Writer:
    """A client that writes the file of that name."""

    name: str
    blocks: int
    service: Service

    def acked(self) -> list[int]:
        return [int(number) for number in re.findall(r"acked (\d+)", self.service.said)]

    def has(self, count: int) -> None:
        """Wait until so many of its blocks are acknowledged, while it writes more, but not to the end."""
        self.allow(count + _MORE)
        self.service.says("acked", count)

    def allow(self, count: int) -> None:
        """It may write so many."""
        stdin = self.service.process.stdin
        assert stdin is not None
        stdin.write(f"{count}\n")
        stdin.flush()


@dataclass
class Office:
    """`place` is where servers have their runtime directories."""

    lab: RealLab
    share: Path
    place: Path
    stack: ExitStack
    writers: list[Writer] = field(default_factory=list)

    def start(self, host: str, command: list[str | Path], **options: Any) -> Service:
        pipe = subprocess.PIPE
        return self.stack.enter_context(
            Service(
                self.lab.start(
                    host, command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, **options
                )
            )
        )

    def serve(self, *flags: str | Path, module: str = "server") -> Service:
        command = [sys.executable, "-m", module, *flags, "--share", f"data={self.share}"]
        users = ["--user", "alice%secret", "--user", "bob%hunter2"]
        env = {**os.environ, "TMPDIR": str(self.place)}
        service = self.start("server", [*command, *users], env=env)
        service.says("listening")
        return service

    def write(self, name: str, blocks: int, channels: int = 2) -> Writer:
        module = ("-m", "selftest.support.smb_load")
        arguments = ("10.0.1.1", name, str(blocks), str(channels))
        command = [sys.executable, *module, *arguments]
        writer = Writer(name, blocks, self.start("laptop", [*command], stdin=subprocess.PIPE))
        self.writers.append(writer)
        return writer

    def all_is_there(self) -> None:
        """Wait for all writers; every block was acknowledged, and is there."""
        for writer in self.writers:
            writer.allow(writer.blocks)
        for writer in self.writers:
            assert writer.service.ended() == 0, writer.service.said[-2000:]
            assert sorted(writer.acked()) == list(range(writer.blocks))
            assert missing(self.share / writer.name, range(writer.blocks)) == []

    def runtime(self) -> Path:
        """Of the one server that runs."""
        [found] = self.place.glob("smb-server-*")
        return found

    def state(self) -> dict[str, Any]:
        """What `python -m server status --json` shows."""
        return control.ask(self.runtime() / control.NAME)


@contextmanager
def office(tmp_path: Path) -> Iterator[Office]:
    netns.enter()
    (tmp_path / "share").mkdir()
    # A socket's path has room for 108 bytes.
    with tempfile.TemporaryDirectory(prefix="smb-", dir="/tmp") as place, ExitStack() as stack:
        lab = stack.enter_context(RealLab(HOSTS))
        yield Office(lab, tmp_path / "share", Path(place), stack)
