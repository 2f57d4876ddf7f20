"""Debian's smbtorture against a server in a host: one process a case, several at a time, each on a share of its own.

Knows how smbtorture is called and what it prints, and how our server is started for it; not what should pass.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from selftest.support import netns
from selftest.support.network import Hosts, network
from selftest.support.service import Service, installed

LANES = 6
_WITHIN = 180.0
"""Seconds after which a case has hung: the longest wait twice for a break that nobody acknowledges."""
_RESULT = re.compile(r"^(success|failure|error|skip): \S+(?: \[\n(.*?)\n\]$)?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result` as smbtorture calls it, `none` where it said nothing; `why` is its own sentence."""

    result: str
    why: str

    @property
    def passed(self) -> bool:
        return self.result == "success"


@dataclass(frozen=True, slots=True)
class Torture:
    """`program` on `host`, against the shares `data0`, `data1`, … of the server at `address`."""

    lab: Hosts
    host: str
    program: str
    address: str
    folder: Path
    user: str
    other: str

    def run(self, cases: Iterable[str]) -> dict[str, Outcome]:
        """All of them, several at a time, in that order."""
        names = list(cases)
        with ThreadPoolExecutor(LANES) as pool:
            lanes: SimpleQueue[int] = SimpleQueue()
            for lane in range(LANES):
                lanes.put(lane)

            def one(case: str) -> Outcome:
                lane = lanes.get()
                try:
                    return self.case(case, lane)
                finally:
                    lanes.put(lane)

            return dict(zip(names, pool.map(one, names), strict=True))

    def case(self, name: str, lane: int = 0) -> Outcome:
        user, password = self.other.split("%")
        arguments: Sequence[str | Path] = [
            *(self.program, f"//{self.address}/data{lane}", "-U", self.user, "--configfile=/dev/null"),
            *(f"--option=torture:user2name={user}", f"--option=torture:user2password={password}"),
            "--option=torture:maxopenfiles=1000",  # of 65520, which take minutes
            f"smb2.{name}",
        ]
        try:
            done = self.lab.run(self.host, *arguments, timeout=_WITHIN, cwd=self.folder)
        except subprocess.TimeoutExpired:
            return Outcome("none", f"no end within {_WITHIN:.0f} s")
        found = _RESULT.search(done.stdout)
        if found is None:
            return Outcome("none", done.stderr[-300:])
        return Outcome(found[1], (found[2] or "").strip())


@contextlib.contextmanager
def ours(folder: Path, *flags: str) -> Iterator[tuple[Torture, Service]]:
    """Our server with those flags in one host of a network with a switch, and smbtorture in another."""
    program = installed("smbtorture", "samba-testsuite")
    netns.enter()
    shares: list[str | Path] = []
    for lane in range(LANES):
        (folder / f"share{lane}").mkdir()
        shares += ["--share", f"data{lane}={folder}/share{lane}"]
    (folder / "noperm").mkdir()
    shares += ["--share", f"noperm={folder}/noperm"]
    users = ("--user", "alice%secret", "--user", "bob%hunter2")
    config = folder / "server.toml"
    config.write_text('anonymous = true\nsigning = "enabled"\n')
    command = [sys.executable, "-m", "server", "--config", config, "--torture", *flags, *users, *shares]
    with network(folder / "net") as lab, Service.on(lab, "server", command) as server:
        server.says("listening")
        yield Torture(lab, "laptop", program, "10.0.1.1", folder, "alice%secret", "bob%hunter2"), server
        assert " error " not in server.said, "an error of the server's own"
