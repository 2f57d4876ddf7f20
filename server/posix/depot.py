"""Where the named streams of a share's files are: a directory in its root that no client can name.

Each file that has streams has a directory there, by a random token in an attribute of the file, and in it a file
for each stream: streams are read, locked, cached and shared as files are. `:` in its name keeps the depot out of
reach, since none of a path below a share may have one. The token counts only with the file's own inode beside it, so
that neither a copy of a file nor a new file with an old inode finds another's streams.

A file's directory goes when the file does. If a process is killed in between, it stays, and nothing ever finds it.
Called by `server.posix.files` alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct

from server.posix import metadata
from server.posix.paths import spelling

_NAME = ":streams"
_SUFFIX = ":$DATA"
"""Of every stream's file: none of them is `.` or `..`."""

_TOKEN = Struct("<16sQ")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def folder(root: int, base: int, *, make: bool = False) -> Iterator[int | None]:
    """A descriptor of the directory with the streams of the file `base`. None: it has none, and shall not get one."""
    fd = _open(root, base) or (_make(root, base) if make else None)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def find(directory: int, name: str) -> str | None:
    """The stream as it is spelt there, whatever its case."""
    found = spelling(directory, name + _SUFFIX)
    return None if found is None else found.removesuffix(_SUFFIX)


def file_of(name: str) -> str:
    return name + _SUFFIX


def names(directory: int) -> list[str]:
    """In their order."""
    return sorted(entry.removesuffix(_SUFFIX) for entry in _entries(directory) if entry.endswith(_SUFFIX))


def drop(root: int, base: int) -> None:
    """All streams of that file."""
    token = _token(base)
    if token is None:
        return
    with folder(root, base) as directory:
        if directory is None:
            return
        for entry in _entries(directory):
            os.unlink(entry, dir_fd=directory)
    with contextlib.suppress(FileNotFoundError), _depot(root) as depot:
        os.rmdir(token, dir_fd=depot)


def _open(root: int, base: int) -> int | None:
    token = _token(base)
    if token is None:
        return None
    try:
        with _depot(root) as depot:
            return os.open(token, _FOLDER, dir_fd=depot)
    except FileNotFoundError:
        return None


def _make(root: int, base: int) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(_NAME, 0o700, dir_fd=root)
    with _depot(root) as depot:
        fcntl.flock(depot, fcntl.LOCK_EX)  # so that two do not make two, of which one would be lost
        found = _open(root, base)
        if found is not None:
            return found
        token = os.urandom(16)
        os.mkdir(token.hex(), 0o700, dir_fd=depot)
        try:
            metadata.store(base, metadata.STREAMS, _TOKEN.pack(token, os.fstat(base).st_ino))
        except OSError:
            os.rmdir(token.hex(), dir_fd=depot)
            raise
        return os.open(token.hex(), _FOLDER, dir_fd=depot)


@contextmanager
def _depot(root: int) -> Iterator[int]:
    fd = os.open(_NAME, _FOLDER, dir_fd=root)
    try:
        yield fd
    finally:
        os.close(fd)


def _token(base: int) -> str | None:
    raw = metadata.load(base, metadata.STREAMS)
    if raw is None or len(raw) != _TOKEN.size:
        return None
    token, inode = _TOKEN.unpack(raw)
    if inode != os.fstat(base).st_ino:
        return None
    found: bytes = token
    return found.hex()


def _entries(directory: int) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries]
