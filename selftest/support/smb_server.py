"""A running server on the kernel's loopback, and the lines that it logs, read as events.

`Running` starts `python -m server`; its events are those that the log shows. Waiting is for a line, never for a time.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from selftest.support.processes import DEADLINE, Watched

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """Context manager. `kinds`: what was told so far, as (kind, fields)."""

    def __init__(self, share: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        share.mkdir(exist_ok=True)
        self.share = share
        self.port = free_port()
        self.told: list[tuple[str, dict[str, str]]] = []
        self._rest = b""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "server", "--address", "127.0.0.1", "--port", str(self.port)),
                *("--share", f"data={share}", "--user", "alice%secret", "--user", "bob%hunter2", *arguments),
            ],
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )

    def __enter__(self) -> Running:
        self.wait_for("listening")
        for _ in range(2):
            self.wait_for("process-started", role="worker")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            finally:
                self._close()
        self._close()

    def _close(self) -> None:
        if self.process.stderr is not None:
            self.process.stderr.close()

    def wait_for(self, kind: str, **fields: str) -> dict[str, str]:
        """The next line of that kind with those fields, from where the last call left off. AssertionError: none."""
        seen: list[tuple[str, dict[str, str]]] = []
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            for line in self._lines(deadline):
                seen.append(line)
                self.told.append(line)
                if line[0] == kind and fields.items() <= line[1].items():
                    return line[1]
            if self.process.poll() is not None:
                break
        raise AssertionError(f"no {kind} {fields} in {seen}")

    def _lines(self, deadline: float) -> list[tuple[str, dict[str, str]]]:
        """One more line, if one comes before the deadline."""
        assert self.process.stderr is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            if not piece:
                return []
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return [parse(line.decode())]

    def end(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def everything(self) -> Watched:
        """All processes of the server: the acceptor, the zygote and the workers."""
        return Watched(family(self.process.pid))


def family(pid: int) -> list[int]:
    """That process and all its descendants."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += family(int(child))
    return found


def comm(pid: int) -> str:
    """What the process calls itself."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def parse(line: str) -> tuple[str, dict[str, str]]:
    """A log line as (message, fields)."""
    words = line.split(" ", 2)
    rest = words[2] if len(words) > 2 else line
    message = shlex.split(rest.split("=", 1)[0] if not rest.startswith('"') else rest)[0] if rest else ""
    fields = {key: value.strip('"') for key, value in _PAIR.findall(rest)}
    return message, fields
