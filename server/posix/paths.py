"""Walking a path below a directory without ever leaving it.
 Owns the walk: name by name with `openat(2)`, no link followed, so that neither `..` nor a link nor a rename
under way leads out. Called by `server.posix.files` alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from server.ports.files import FilePath
from server.wire.short_names import may_be_made, short_name

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def check(path: FilePath) -> None:
    """OSError(EINVAL): a name that could mean another place, or none that a file can have. With `:` is the depot."""
    for name in path:
        if name in ("", ".", "..") or "/" in name or "\0" in name or ":" in name:
            raise OSError(errno.EINVAL, "not a name", name)


@contextmanager
def parent_of(root: int, path: FilePath) -> Iterator[tuple[int, FilePath]]:
    """A descriptor of the directory that holds `path`'s last name, and its path as it is spelt on disk.

    OSError: ENOENT or ENOTDIR where a name on the way is missing or is no directory (a link counts as none).
    """
    check(path)
    with directory_at(root, path[:-1]) as found:
        yield found


@contextmanager
def directory_at(root: int, path: FilePath) -> Iterator[tuple[int, FilePath]]:
    """The same of the directory that is `path`."""
    check(path)
    spelt: list[str] = []
    here = os.dup(root)
    try:
        for name in path:
            found = name
            try:
                below = os.open(name, _DIRECTORY, dir_fd=here)
            except FileNotFoundError:
                other = spelling(here, name)
                if other is None:
                    raise NotADirectoryError(errno.ENOTDIR, "no such directory on the way", name) from None
                found, below = other, os.open(other, _DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
            spelt.append(found)
        yield here, tuple(spelt)
    finally:
        os.close(here)


def spelling(directory: int, name: str) -> str | None:
    """The entry that is `name` but for case, or else that has it as its short name. The first in code point order,
    where there are several.
    """
    folded = name.casefold()
    listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        with os.scandir(listing) as entries:
            names = [entry.name for entry in entries]
    finally:
        os.close(listing)
    found = min((entry for entry in names if entry.casefold() == folded), default=None)
    if found is None and may_be_made(name):
        return min((entry for entry in names if short_name(entry) == name.upper()), default=None)
    return found


def split_stream(path: FilePath) -> tuple[FilePath, str]:
    """The path of the file, and the name of its stream, "" for the file itself."""
    if not path or ":" not in path[-1]:
        return path, ""
    name, _, stream = path[-1].partition(":")
    if not stream or ":" in stream or "/" in stream or "\0" in stream:
        raise OSError(errno.EINVAL, "not a stream", path[-1])
    return (*path[:-1], name) if name else path[:-1], stream


def with_stream(path: FilePath, stream: str) -> FilePath:
    """The inverse."""
    return (*path[:-1], f"{path[-1] if path else ''}:{stream}")
