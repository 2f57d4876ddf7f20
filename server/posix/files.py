"""A share's directory on the local file system.

Implements `server.ports.files.Files` and `Volume`. Must not know shares, users or SMB. Called by the core.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat as st
from pathlib import Path

from server.ports.files import FilePath, FileStat, Handle, Make, Volume, VolumeStat
from server.posix import birth, depot, metadata
from server.posix.descriptor import Descriptor
from server.posix.handle import PosixHandle
from server.posix.paths import check, directory_at, parent_of, spelling, split_stream, with_stream
from server.posix.stream import PosixStream, open_stream, remove_stream, rename_stream

# NONBLOCK: a FIFO in the share must not hold the opener up. It is refused after.
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_RENAME_NOREPLACE = 1
_ATTEMPTS = 8

_libc = ctypes.CDLL(None, use_errno=True)


class PosixFiles:
    def volume(self, root: Path) -> Volume:
        return PosixVolume(root)


class PosixVolume:
    """Holds the root by a descriptor: what happens to the path after does not matter."""

    def __init__(self, root: Path) -> None:
        self._root = Descriptor(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))

    def open(
        self, path: FilePath, *, write: bool, make: Make, directory: bool = False
    ) -> tuple[Handle, FilePath, bool]:
        path, stream = split_stream(path)
        if not stream:
            return self._open(path, write=write, make=make, directory=directory)
        base, spelt, _ = self._open(path, write=False, make=Make.NO)
        try:
            handle, name, made = open_stream(base, stream, write=write, make=make)
        except BaseException:
            base.close()
            raise
        return handle, with_stream(spelt, name), made

    def _open(
        self, path: FilePath, *, write: bool, make: Make, directory: bool = False
    ) -> tuple[PosixHandle, FilePath, bool]:
        if not path:
            if make is Make.MUST:
                raise FileExistsError(errno.EEXIST, "the root of a share")
            fd = os.open(".", _OPEN | os.O_RDONLY, dir_fd=self._root)
            return PosixHandle(fd, directory=True, root=self._root), (), False
        if len(path) == 1:
            check(path)
            fd, is_directory, born, name, made = _open_or_make(self._root, path[0], write, make, directory)
            above: FilePath = ()
        else:
            with parent_of(self._root, path) as (parent, above):
                fd, is_directory, born, name, made = _open_or_make(parent, path[-1], write, make, directory)
        return PosixHandle(fd, directory=is_directory, root=self._root, born=born), (*above, name), made

    def stat(self, path: FilePath) -> tuple[FileStat, FilePath]:
        handle, spelt, _ = self.open(path, write=False, make=Make.NO)
        try:
            return handle.stat(), spelt
        finally:
            handle.close()

    def descriptor(self, path: FilePath) -> bytes | None:
        with directory_at(self._root, path) as (directory, _):
            return metadata.load(metadata.beneath(directory), metadata.DESCRIPTOR)

    def rename(self, handle: Handle, path: FilePath, new: FilePath, *, replace: bool) -> FilePath:
        (path, stream), (new, other) = split_stream(path), split_stream(new)
        if stream:
            if not isinstance(handle, PosixStream) or path != new or not other:
                raise OSError(errno.EINVAL, "a stream stays with its file")
            rename_stream(handle, stream, other, replace=replace)
            return with_stream(new, other)
        if not path or not new or other:
            raise OSError(
                errno.EINVAL, "the root of a share cannot be renamed, nor replaced, nor a file by a stream"
            )
        with parent_of(self._root, path) as (source, _), parent_of(self._root, new) as (target, above):
            _check_same(handle, source, path[-1])
            name = new[-1]
            there = spelling(target, name)
            same = there is not None and _identity(target, there) == _identity(source, path[-1])
            if there is not None and not same:
                if not replace:
                    raise FileExistsError(errno.EEXIST, "there is one", there)
                victim = _try_open(target, there)
                try:
                    os.rename(path[-1], there, src_dir_fd=source, dst_dir_fd=target)
                    self._forget(victim)
                finally:
                    if victim is not None:
                        os.close(victim)
                if there != name:
                    os.rename(there, name, src_dir_fd=target, dst_dir_fd=target)
            elif path[-1] != name or _identity_of(source) != _identity_of(target):
                _rename_exclusively(source, path[-1], target, name)
            return (*above, name)

    def remove(self, handle: Handle, path: FilePath) -> None:
        path, stream = split_stream(path)
        if isinstance(handle, PosixStream):
            if stream:
                remove_stream(handle, stream)
                return
            handle = handle.base
        if not path:
            raise OSError(errno.EBUSY, "the root of a share")
        with parent_of(self._root, path) as (parent, _):
            _check_same(handle, parent, path[-1])
            if handle.directory:
                os.rmdir(path[-1], dir_fd=parent)
            else:
                os.unlink(path[-1], dir_fd=parent)
            self._forget(handle.fd if isinstance(handle, PosixHandle) else None)

    def _forget(self, fd: int | None) -> None:
        """The streams of a file that has lost its last name."""
        if fd is not None and os.fstat(fd).st_nlink == 0:
            depot.drop(self._root, fd)

    def usage(self) -> VolumeStat:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._root)
        try:
            usage, status = os.fstatvfs(fd), os.fstat(fd)
        finally:
            os.close(fd)
        block = usage.f_frsize or usage.f_bsize
        return VolumeStat(
            block_size=block,
            total=usage.f_blocks * block,
            available=usage.f_bavail * block,
            free=usage.f_bfree * block,
            name_max=usage.f_namemax,
            serial=status.st_dev & 0xFFFF_FFFF,
        )

    def close(self) -> None:
        self._root.close()


def _open_or_make(
    parent: int, name: str, write: bool, make: Make, directory: bool
) -> tuple[int, bool, int | None, str, bool]:
    """As `_open`, then the name as it is spelt, and whether it was made."""
    if make is Make.MUST:
        if spelling(parent, name) is not None:
            raise FileExistsError(errno.EEXIST, "there, perhaps in another case", name)
        return *_make(parent, name, directory), name, True
    for _ in range(_ATTEMPTS):
        try:
            return *_open(parent, name, write), name, False
        except FileNotFoundError:
            other = spelling(parent, name)
            if other is not None:
                return *_open(parent, other, write), other, False
            if make is Make.NO:
                raise
        with contextlib.suppress(FileExistsError):  # somebody else has made it meanwhile
            return *_make(parent, name, directory), name, True
    raise FileExistsError(errno.EEXIST, "made whenever it is found missing", name)


def _open(parent: int, name: str, write: bool) -> tuple[int, bool, int | None]:
    """The descriptor, whether it is a directory, and when it was born, if that is known."""
    mode = os.O_RDWR if write else os.O_RDONLY
    try:
        fd = os.open(name, _OPEN | mode, dir_fd=parent)
    except IsADirectoryError:
        fd = os.open(name, _OPEN | os.O_RDONLY | os.O_DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a FIFO without reader, or a socket
            raise FileNotFoundError(errno.ENOENT, "no file or directory", name) from error
        raise
    kind, born = birth.of_kind(fd)
    directory = st.S_ISDIR(kind)
    if not (directory or st.S_ISREG(kind)):
        os.close(fd)
        raise FileNotFoundError(errno.ENOENT, "no file or directory", name)
    return fd, directory, born


def _try_open(parent: int, name: str) -> int | None:
    """None: it is somebody's who lets nobody read it."""
    try:
        return _open(parent, name, write=False)[0]
    except PermissionError:
        return None


def _make(parent: int, name: str, directory: bool) -> tuple[int, bool, int | None]:
    """As `_open`. FileExistsError: there is one by now."""
    if directory:
        os.mkdir(name, dir_fd=parent)
        return _open(parent, name, write=False)
    return os.open(name, _OPEN | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=parent), False, None


def _identity(parent: int, name: str) -> tuple[int, int]:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    return status.st_dev, status.st_ino


def _identity_of(directory: int) -> tuple[int, int]:
    status = os.fstat(directory)
    return status.st_dev, status.st_ino


def _check_same(handle: Handle, parent: int, name: str) -> None:
    status = handle.stat()
    if _identity(parent, name) != (status.device, status.inode):
        raise FileNotFoundError(errno.ENOENT, "another file has this name by now", name)


def _rename_exclusively(source: int, name: str, target: int, new: str) -> None:
    """`renameat2(2)` with RENAME_NOREPLACE, so that no file that appears meanwhile is lost."""
    done = _libc.renameat2(source, os.fsencode(name), target, os.fsencode(new), _RENAME_NOREPLACE)
    if done == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):  # the file system, or the kernel, has no such flag
        raise OSError(number, os.strerror(number), name)
    if spelling(target, new) is not None:
        raise FileExistsError(errno.EEXIST, "there is one", new)
    os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
