"""An open file or directory: one descriptor, until closed.

Implements `server.ports.files.Handle`. Called by the core, big reads and writes from threads.
"""

from __future__ import annotations

import contextlib
import os
import stat as st

from server.ports.files import FileStat
from server.posix import attributes, extents, metadata, presence
from server.posix.extents import Unsupported

_BLOCK = 512
_ZEROS = 1024 * 1024


class PosixHandle:
    """Made by `server.posix.files.PosixVolume`. `path_only` descriptors serve `stat` alone."""

    def __init__(self, fd: int, *, directory: bool) -> None:
        self._fd = fd
        self._directory = directory

    @property
    def directory(self) -> bool:
        return self._directory

    def stat(self) -> FileStat:
        return describe(os.fstat(self._fd), self._fd)

    def claim(self, node: int, nodes: int, *, change: bool) -> bool:
        return presence.claim(self._fd, node, nodes, change=change)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        done = 0
        while done < len(buffer):
            count = os.preadv(self._fd, [buffer[done:]], offset + done)
            if count == 0:
                break
            done += count
        return done

    def read_cached(self, buffer: memoryview, offset: int) -> int | None:
        try:
            count = os.preadv(self._fd, [buffer], offset, os.RWF_NOWAIT)
        except OSError:
            return None  # not cached, or a file system that cannot tell: the waiting read reports real errors
        # A short count may be the end of the file or the end of what is cached.
        if count < len(buffer) and offset + count < os.fstat(self._fd).st_size:
            return None
        return count

    def write(self, data: memoryview, offset: int) -> int:
        done = 0
        while done < len(data):
            done += os.pwrite(self._fd, data[done:], offset + done)
        return done

    def flush(self) -> None:
        os.fsync(self._fd)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def allocate(self, size: int) -> None:
        with contextlib.suppress(Unsupported):
            extents.reserve(self._fd, size)

    def allocated(self, offset: int, length: int) -> list[tuple[int, int]]:
        return extents.data(self._fd, offset, offset + length)

    def zero(self, offset: int, length: int, *, punch: bool) -> None:
        try:
            extents.zero(self._fd, offset, length, punch=punch)
        except Unsupported:
            zeros = memoryview(bytes(_ZEROS))
            for start in range(offset, offset + length, _ZEROS):
                self.write(zeros[: min(_ZEROS, offset + length - start)], start)

    def set_times(self, *, created: int | None, accessed: int | None, written: int | None) -> None:
        if created is not None:
            kept, _ = attributes.load(self._fd)
            attributes.store(self._fd, default_attributes(self._directory) if kept is None else kept, created)
        if accessed is not None or written is not None:
            now = os.fstat(self._fd)
            os.utime(
                self._fd,
                ns=(
                    now.st_atime_ns if accessed is None else accessed,
                    now.st_mtime_ns if written is None else written,
                ),
            )

    def set_attributes(self, value: int) -> None:
        _, created = attributes.load(self._fd)
        attributes.store(self._fd, value, created)

    def descriptor(self) -> bytes | None:
        return metadata.load(self._fd, metadata.DESCRIPTOR)

    def set_descriptor(self, descriptor: bytes) -> None:
        metadata.store(self._fd, metadata.DESCRIPTOR, descriptor)

    def list(self) -> list[tuple[str, FileStat]]:
        """Sorted by name. Links and special files are left out: nothing here could open them."""
        found: list[tuple[str, FileStat]] = []
        with os.scandir(self._fd) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            try:
                status = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since it was listed
            if st.S_ISREG(status.st_mode) or st.S_ISDIR(status.st_mode):
                found.append((name, describe(status, f"/proc/self/fd/{self._fd}/{name}")))
        return found

    def close(self) -> None:
        os.close(self._fd)


def default_attributes(directory: bool) -> int:
    return 0 if directory else attributes.ARCHIVE


def describe(status: os.stat_result, file: int | str) -> FileStat:
    """`file`: the descriptor or path whose extended attributes complete the picture."""
    directory = st.S_ISDIR(status.st_mode)
    stored, created = attributes.load(file)
    written, changed = status.st_mtime_ns, status.st_ctime_ns
    return FileStat(
        status.st_dev,
        status.st_ino,
        directory,
        0 if directory else status.st_size,
        # Blocks that only hold extended attributes are no allocation of the (empty) data stream.
        0 if directory or status.st_size == 0 else status.st_blocks * _BLOCK,
        min(written, changed) if created is None else created,
        status.st_atime_ns,
        written,
        changed,
        status.st_nlink,
        default_attributes(directory) if stored is None else stored,
    )
