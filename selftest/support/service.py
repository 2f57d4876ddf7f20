"""A server program in a host, from the line that says it is ready to its end; whatever it started ends with it.

For tests with programs that are not ours, which may fork: each is a process group of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from selftest.support.network import Network

WITHIN = 30.0
"""Seconds after which a program has hung: a guard."""


def installed(program: str, package: str) -> str:
    """The path of a program of Debian's; without it the test is skipped, and says which package has it."""
    # Debian keeps servers where an ordinary user's PATH does not lead.
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: Debian's package {package} has it")
    return found


class Service:
    """A program that was started as leader of a session; its output is read as it comes, so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        self._heard = threading.Condition()
        self._pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        self._open = len(self._pipes)
        self._readers = [
            threading.Thread(target=self._read, args=(pipe,), daemon=True) for pipe in self._pipes
        ]
        for reader in self._readers:
            reader.start()

    @classmethod
    def on(cls, lab: Network, host: str, argv: Sequence[str | Path]) -> Service:
        """Start `argv` on `host`."""
        return cls(lab.start(host, list(argv), start_new_session=True))

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            with self._heard:
                self.said += line
                self._heard.notify_all()
        with self._heard:
            self._open -= 1
            self._heard.notify_all()

    def says(self, pattern: str, times: int = 1) -> None:
        """Wait until it has said what `pattern` finds so many times; an AssertionError if it ends or hangs instead."""

        def enough() -> bool:
            return len(re.findall(pattern, self.said)) >= times

        with self._heard:
            self._heard.wait_for(lambda: enough() or not self._open, WITHIN)
            assert enough(), f"{self.process.args!r} never said {pattern!r}: {self.said}"

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait until it has; its exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended; its exit status."""
        status = self.process.wait(WITHIN)
        for reader in self._readers:
            reader.join(WITHIN)
        return status

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.ended()
        for pipe in self._pipes:
            pipe.close()


def out(done: subprocess.CompletedProcess[str]) -> str:
    """What a program wrote that succeeded."""
    assert done.returncode == 0, f"{done.args!r}: status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout
