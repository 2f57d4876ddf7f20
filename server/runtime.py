"""The directory that a running server has: sockets by which its processes talk, and their shared tables.

Owns its name, the lock that says that somebody lives in it, and the removal of those whose servers were killed
with all their processes. Called by the application that serves; `control` finds servers by the name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "smb-server-"
SHORT = "/tmp"  # noqa: S108  # where they are made when the usual place has too long a name
_MOST = 64
"""Bytes of the path that one is made in: names of sockets in it must stay below 108."""


def make() -> tuple[Path, int]:
    """A new one (mode 0700), and the descriptor whose last holder's end says that nobody lives in it any more."""
    sweep()
    usual = tempfile.gettempdir()
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=usual if len(os.fsencode(usual)) <= _MOST else SHORT))
        with contextlib.suppress(FileNotFoundError):  # somebody swept it before it was locked
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if path.exists():
                return path, lock
            os.close(lock)


def places() -> list[Path]:
    """Where to look for them."""
    return [Path(place) for place in dict.fromkeys((tempfile.gettempdir(), SHORT))]


def sweep() -> None:
    """Remove those of this user in which nobody lives."""
    for path in (path for place in places() for path in place.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
