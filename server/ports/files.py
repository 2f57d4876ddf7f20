"""Files: a share's directory, which nothing leads out of.
 Calls block and raise OSError with the errno that POSIX gives; the core decides which of them run on a
thread. A path is a tuple of names below the root, `()` the root itself; no name is empty, `.` or `..`, or has
a slash in it. Names are matched exactly, else without regard to case. Symbolic links are never followed: they
are not there. A `:` is in the last name alone, between a file's name and that of one of its streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

FilePath = tuple[str, ...]


@dataclass(slots=True)
class FileStat:
    """Times in ns since 1970, sizes in bytes. `attributes` are the DOS ones without DIRECTORY. (`device`,
    `inode`) name the file among all of this machine's; those of a stream are its own, and `file` is the inode of
    the file that it is of. `extended`: bytes that the extended attributes take, as clients count them. `described`:
    there may be a security descriptor; else there is none. Never changed; not frozen, since every open makes one.
    """

    device: int
    inode: int
    directory: bool
    size: int
    allocation: int
    created: int
    accessed: int
    written: int
    changed: int
    links: int
    attributes: int
    file: int = 0
    extended: int = 0
    described: bool = True

    @property
    def number(self) -> int:
        """What clients know the file by."""
        return self.file or self.inode


@dataclass(frozen=True, slots=True)
class StreamStat:
    """A stream, without the `:` before its name; that of the data itself is "". A directory has named ones alone."""

    name: str
    size: int
    allocation: int


@dataclass(frozen=True, slots=True)
class VolumeStat:
    """Sizes in bytes; `serial` is 32 bits and lasts as long as the file system."""

    block_size: int
    total: int
    available: int
    free: int
    name_max: int
    serial: int


class Make(Enum):
    """What `Volume.open` does where there is nothing, or something."""

    NO = "no"
    IF_MISSING = "if missing"
    MUST = "must"


class Handle(Protocol):
    """An open file or directory. Calls may come from several threads; `close` comes last, once."""

    @property
    def directory(self) -> bool: ...

    def stat(self) -> FileStat: ...

    def links(self) -> int:
        """The names that the file still has: `stat().links`."""
        ...

    def claim(self, node: int, nodes: int, *, change: bool) -> bool:
        """Have it open at a node of a cluster, to read it or to `change` it. False: it is open at another, and one of
        them changes it. It ends with the handle.
        """
        ...

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fills as much of `buffer` as the file has; 0 at its end."""
        ...

    def read_cached(self, buffer: memoryview, offset: int) -> int | None:
        """The same if that takes no wait for a device; None if it would, or if that cannot be known."""
        ...

    def write(self, data: memoryview, offset: int) -> int:
        """All of it."""
        ...

    def flush(self) -> None: ...

    def truncate(self, size: int) -> None: ...

    def allocate(self, size: int) -> None:
        """Room for the first `size` bytes, whose end stays where it is. Nothing, where that cannot be had."""
        ...

    def allocated(self, offset: int, length: int) -> list[tuple[int, int]]:
        """The parts of that range that are no holes, as (offset, length)."""
        ...

    def zero(self, offset: int, length: int, *, punch: bool) -> None:
        """Zeros in that range, which lies within the file; as a hole, if `punch`."""
        ...

    def set_times(
        self, *, created: int | None, accessed: int | None, written: int | None, changed: int | None = None
    ) -> None: ...

    def set_attributes(self, attributes: int) -> None: ...

    def descriptor(self) -> bytes | None:
        """The security descriptor that was set, as it was set. OSError: that cannot be known."""
        ...

    def set_descriptor(self, descriptor: bytes) -> None:
        """OSError EOPNOTSUPP: the file system cannot keep one."""
        ...

    def extended(self) -> dict[str, bytes]:
        """The extended attributes that clients have set, in a defined order."""
        ...

    def set_extended(self, name: str, value: bytes) -> None:
        """Empty: it goes. Case makes no other name. OSError ENOSPC, E2BIG: there is no room."""
        ...

    def streams(self) -> list[StreamStat]:
        """All of the file, in a defined order."""
        ...

    def clear(self) -> None:
        """Nothing in it any more: no data, no streams, no extended attributes."""
        ...

    def list(self) -> list[tuple[str, FileStat]]:
        """The entries of a directory, without `.` and `..`, in a defined order."""
        ...

    def close(self) -> None: ...


class Volume(Protocol):
    def open(
        self, path: FilePath, *, write: bool, make: Make, directory: bool = False
    ) -> tuple[Handle, FilePath, bool]:
        """The handle, the path as it is really spelt, and whether it was made. `directory`: make one, if one
        is made. A stream is made only of a file that is there.

        `write` asks for a handle that can be written; on a directory it says nothing.
        """
        ...

    def stat(self, path: FilePath) -> tuple[FileStat, FilePath]: ...

    def descriptor(self, path: FilePath) -> bytes | None:
        """As `Handle.descriptor`, of a directory."""
        ...

    def rename(self, handle: Handle, path: FilePath, new: FilePath, *, replace: bool) -> FilePath:
        """`path` must still be that handle's, else ENOENT. EEXIST: there is a `new`, and no `replace`. A stream
        stays with its file (EINVAL otherwise), and takes the place of an empty one alone.
        """
        ...

    def remove(self, handle: Handle, path: FilePath) -> None:
        """Unlink `path`, if it is still that handle's, or that of the file whose stream the handle is; an empty
        directory goes, too, and a file's streams with it.
        """
        ...

    def usage(self) -> VolumeStat: ...

    def close(self) -> None: ...


class Files(Protocol):
    def volume(self, root: Path) -> Volume:
        """OSError: no such directory."""
        ...
