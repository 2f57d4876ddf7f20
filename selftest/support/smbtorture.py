"""Debian's smbtorture against a server in a host: one process a case, several at a time, each on a share of its own.

Knows how smbtorture is called and what it prints; not what should pass.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from selftest.support.network import Hosts

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
