"""lab.json: what runs in a lab; and the lock, which says whether it still does.

Owns both. The lock is an flock(2) on the directory itself, through one open file description that owner and
keeper share: it is free exactly when both are dead, whatever a record or a pid says. Knows nothing of where
labs are kept (registry) or what they do (lab).
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from swrap.lab import proc
from swrap.lab.errors import NoLab

FILE = "lab.json"
ASKED = "asked-to-end"
VERSION = 1
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Process:
    """A process for good: its pid, and when it started in clock ticks since boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this pid now; ProcessLookupError where there is none."""
        found = proc.stat(pid)
        if found is None:
            raise ProcessLookupError(pid)
        return cls(pid, found.started)

    @property
    def alive(self) -> bool:
        """Still running: not ended, not a zombie, not another process with the same number."""
        return proc.same(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Record:
    """What lab.json says. ``hosts``: names of the interfaces (without lo) by host; ``command``:
    what started the lab.
    """

    lab: str
    owner: Process
    command: str
    source: str | None
    direct: bool
    guard: bool
    hosts: dict[str, list[str]] = field(default_factory=dict)
    ready: bool = False
    adopts: bool = False
    keeper: Process | None = None
    switch: Process | None = None
    since: str = ""
    network: str | None = None
    """The network namespace, as ``proc.namespace`` names it: from inside another one it cannot be looked up."""

    def write(self, directory: Path) -> None:
        """Put it in place in one step, so that a reader sees the old one or the new one."""
        fresh = directory / f"{FILE}.new"
        text = json.dumps({"version": VERSION, **asdict(self)}, indent=1)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(text + "\n")
        fresh.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> Record:
        """Read it; NoLab where there is none, or none that this version understands."""
        try:
            content = json.loads((directory / FILE).read_bytes())
            version = content.pop("version")
            if version != VERSION:
                raise NoLab(f"{directory}: a lab of another version of swrap ({version}, not {VERSION})")
            for who in ("owner", "keeper", "switch"):
                content[who] = _process(content[who])
            return cls(**content)
        except (FileNotFoundError, NotADirectoryError):
            raise NoLab(f"{directory}: no lab runs there") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise NoLab(f"{directory / FILE}: not the record of a lab") from None


def _process(content: Any) -> Process | None:
    return None if content is None else Process(int(content["pid"]), int(content["started"]))


def ask_to_end(directory: Path) -> None:
    """Leave word that the lab is ended on purpose, by this process: spared even if it is one of its own.

    The keeper acts on it when it gets SIGTERM.
    """
    path = directory / ASKED
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(str(os.getpid()))


def asked_to_end(directory: Path) -> int | None:
    """The pid of whoever asked; None where nobody has."""
    try:
        return int((directory / ASKED).read_text())
    except (OSError, ValueError):
        return None


def take_lock(directory: Path) -> int:
    """Take the lab's lock; the fd that holds it. BlockingIOError: the lab lives."""
    fd = os.open(directory, _DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def lives(directory: Path) -> bool:
    """Does anybody hold the lab's lock?"""
    try:
        fd = os.open(directory, _DIRECTORY)
    except OSError:
        return False
    try:
        # Shared, so that two who look at the same time do not take each other for the owner.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
