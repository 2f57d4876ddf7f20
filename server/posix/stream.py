"""Named streams: opened, renamed, removed; an open one has data of its own, and all else from its file.

Called by `server.posix.files` alone.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace

from server.ports.files import FileStat, Make, StreamStat
from server.posix import depot
from server.posix.handle import PosixHandle

_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class PosixStream(PosixHandle):
    """`fd` is the stream's, `base` the file, which is closed with it."""

    def __init__(self, fd: int, base: PosixHandle) -> None:
        super().__init__(fd, directory=False, root=base.root)
        self.base = base

    def stat(self) -> FileStat:
        own, status = self.base.stat(), os.fstat(self.fd)
        return replace(
            own,
            device=status.st_dev,
            inode=status.st_ino,
            directory=False,
            size=status.st_size,
            allocation=status.st_blocks * 512 if status.st_size else 0,
            links=status.st_nlink,
            file=own.inode,
        )

    def set_times(
        self, *, created: int | None, accessed: int | None, written: int | None, changed: int | None = None
    ) -> None:
        self.base.set_times(created=created, accessed=accessed, written=written, changed=changed)

    def set_attributes(self, value: int) -> None:
        self.base.set_attributes(value)

    def descriptor(self) -> bytes | None:
        return self.base.descriptor()

    def set_descriptor(self, descriptor: bytes) -> None:
        self.base.set_descriptor(descriptor)

    def extended(self) -> dict[str, bytes]:
        return self.base.extended()

    def set_extended(self, name: str, value: bytes) -> None:
        self.base.set_extended(name, value)

    def streams(self) -> list[StreamStat]:
        return self.base.streams()

    def clear(self) -> None:
        """Its own data alone."""
        os.ftruncate(self.fd, 0)

    def close(self) -> None:
        super().close()
        self.base.close()


def open_stream(base: PosixHandle, name: str, *, write: bool, make: Make) -> tuple[PosixStream, str, bool]:
    """The stream, which owns `base` from then on, its name as it is spelt, and whether it was made."""
    with depot.folder(base.root, base.fd, make=make is not Make.NO) as folder:
        spelt = None if folder is None else depot.find(folder, name)
        if folder is None or (spelt is None and make is Make.NO):
            raise FileNotFoundError(errno.ENOENT, "no such stream", name)
        if spelt is None:
            flags = _OPEN | os.O_RDWR | os.O_CREAT | os.O_EXCL
            fd = os.open(depot.file_of(name), flags, 0o600, dir_fd=folder)
            return PosixStream(fd, base), name, True
        if make is Make.MUST:
            raise FileExistsError(errno.EEXIST, "there, perhaps in another case", name)
        mode = os.O_RDWR if write else os.O_RDONLY
        return PosixStream(os.open(depot.file_of(spelt), _OPEN | mode, dir_fd=folder), base), spelt, False


def rename_stream(stream: PosixStream, name: str, new: str, *, replace: bool) -> None:
    with depot.folder(stream.root, stream.base.fd) as folder:
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, "no such stream", name)
        _check_same(stream, folder, name)
        there = depot.find(folder, new)
        if there is not None and there != name:
            if not replace:
                raise FileExistsError(errno.EEXIST, "there is one", there)
            if os.stat(depot.file_of(there), dir_fd=folder, follow_symlinks=False).st_size:
                raise OSError(errno.EINVAL, "not an empty stream", there)
            os.unlink(depot.file_of(there), dir_fd=folder)
        os.rename(depot.file_of(name), depot.file_of(new), src_dir_fd=folder, dst_dir_fd=folder)


def remove_stream(stream: PosixStream, name: str) -> None:
    with depot.folder(stream.root, stream.base.fd) as folder:
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, "no such stream", name)
        _check_same(stream, folder, name)
        os.unlink(depot.file_of(name), dir_fd=folder)


def _check_same(stream: PosixStream, folder: int, name: str) -> None:
    there, own = os.stat(depot.file_of(name), dir_fd=folder, follow_symlinks=False), os.fstat(stream.fd)
    if (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino):
        raise FileNotFoundError(errno.ENOENT, "another stream has this name by now", name)
