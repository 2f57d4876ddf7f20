"""`swrap` as a user starts it: a process of its own, with its output and exit status."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WITHIN = 60.0
"""Seconds after which a command has hung: a guard."""


def argv(*arguments: object) -> list[str]:
    """The command line of `swrap ARGUMENTS`."""
    return [sys.executable, "-m", "swrap.cli", *map(str, arguments)]


def swrap(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end; its stdout and stderr as text."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        argv(*arguments), capture_output=True, text=True, timeout=WITHIN, check=False, **options
    )


def here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same in this process, for what neither becomes another program nor waits for one: twenty times as fast."""
    from swrap.cli.app import run

    words = [str(word) for word in arguments]
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = run(words)
    return subprocess.CompletedProcess(words, status, out.getvalue(), errors.getvalue())


def start(*arguments: object, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start it, with pipes to its stdin and from its stdout."""
    options.setdefault("stdin", subprocess.PIPE)
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen(argv(*arguments), text=True, env=env, **options)


def first_line(process: subprocess.Popen[str]) -> str:
    """The next line that it writes, without its end. An assertion fails if it ends instead."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it ended with status {process.wait()} and said nothing"
    return line.rstrip("\n")


def directory_of(file: Path) -> Path:
    """The directory of the lab that runs from this file."""
    from swrap.lab import registry

    (found,) = registry.of_file(file)
    return found.directory


def finish(processes: Sequence[subprocess.Popen[str]]) -> None:
    """End and reap what a test started."""
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
