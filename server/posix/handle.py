"""An open file or directory: one descriptor, until closed.

Implements `server.ports.files.Handle`. Called by the core, big reads and writes from threads.
"""

from __future__ import annotations

import contextlib
import os
import stat as st
from dataclasses import replace

from server.ports.files import FileStat, StreamStat
from server.posix import attributes, birth, depot, extents, metadata, presence
from server.posix.descriptor import Descriptor
from server.posix.extents import Unsupported

_BLOCK = 512
_ZEROS = 1024 * 1024


class PosixHandle:
    """Made by `server.posix.files.PosixVolume`. It owns `fd`.

    `root`: a descriptor of the share's own directory, which stays the volume's. `born`: when, if that is known.
    """

    def __init__(self, fd: int, *, directory: bool, root: int, born: int | None = None) -> None:
        self.fd = Descriptor(fd)
        self.root = root
        self._directory = directory
        self._born = born

    @property
    def directory(self) -> bool:
        return self._directory

    def stat(self) -> FileStat:
        if self._born is None:
            self._born = birth.born(self.fd)
        return describe(os.fstat(self.fd), self.fd, self._born)

    def links(self) -> int:
        return os.fstat(self.fd).st_nlink

    def claim(self, node: int, nodes: int, *, change: bool) -> bool:
        return presence.claim(self.fd, node, nodes, change=change)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        done = 0
        while done < len(buffer):
            count = os.preadv(self.fd, [buffer[done:]], offset + done)
            if count == 0:
                break
            done += count
        return done

    def read_cached(self, buffer: memoryview, offset: int) -> int | None:
        try:
            count = os.preadv(self.fd, [buffer], offset, os.RWF_NOWAIT)
        except OSError:
            return None  # not cached, or a file system that cannot tell: the waiting read reports real errors
        # A short count may be the end of the file or the end of what is cached.
        if count < len(buffer) and offset + count < os.fstat(self.fd).st_size:
            return None
        return count

    def write(self, data: memoryview, offset: int) -> int:
        done = 0
        while done < len(data):
            done += os.pwrite(self.fd, data[done:], offset + done)
        return done

    def flush(self) -> None:
        os.fsync(self.fd)

    def truncate(self, size: int) -> None:
        os.ftruncate(self.fd, size)

    def allocate(self, size: int) -> None:
        with contextlib.suppress(Unsupported):
            extents.reserve(self.fd, size)

    def allocated(self, offset: int, length: int) -> list[tuple[int, int]]:
        return extents.data(self.fd, offset, offset + length)

    def zero(self, offset: int, length: int, *, punch: bool) -> None:
        try:
            extents.zero(self.fd, offset, length, punch=punch)
        except Unsupported:
            zeros = memoryview(bytes(_ZEROS))
            for start in range(offset, offset + length, _ZEROS):
                self.write(zeros[: min(_ZEROS, offset + length - start)], start)

    def set_times(
        self, *, created: int | None, accessed: int | None, written: int | None, changed: int | None = None
    ) -> None:
        if accessed is not None or written is not None:
            now = os.fstat(self.fd)
            os.utime(
                self.fd,
                ns=(
                    now.st_atime_ns if accessed is None else accessed,
                    now.st_mtime_ns if written is None else written,
                ),
            )
        if created is None and changed is None:
            return
        dos = attributes.load(self.fd, self._directory)
        if created is not None:
            dos = replace(dos, created=created)
        if changed is not None:
            dos = attributes.with_changed(dos, changed, os.fstat(self.fd))
        attributes.store(self.fd, dos)

    def set_attributes(self, value: int) -> None:
        dos = attributes.load(self.fd, self._directory)
        attributes.store(self.fd, replace(dos, attributes=value))

    def extended(self) -> dict[str, bytes]:
        return metadata.extended(self.fd)

    def set_extended(self, name: str, value: bytes) -> None:
        metadata.set_extended(self.fd, name, value)

    def streams(self) -> list[StreamStat]:
        found = []
        if not self._directory:
            status = os.fstat(self.fd)
            found.append(StreamStat("", status.st_size, status.st_blocks * _BLOCK if status.st_size else 0))
        with depot.folder(self.root, self.fd) as folder:
            for name in [] if folder is None else depot.names(folder):
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                    status = os.stat(depot.file_of(name), dir_fd=folder, follow_symlinks=False)
                    found.append(StreamStat(name, status.st_size, status.st_blocks * _BLOCK))
        return found

    def clear(self) -> None:
        os.ftruncate(self.fd, 0)
        depot.drop(self.root, self.fd)
        for name in metadata.extended(self.fd):
            metadata.set_extended(self.fd, name, b"")

    def descriptor(self) -> bytes | None:
        return metadata.load(self.fd, metadata.DESCRIPTOR)

    def set_descriptor(self, descriptor: bytes) -> None:
        metadata.store(self.fd, metadata.DESCRIPTOR, descriptor)

    def list(self) -> list[tuple[str, FileStat]]:
        """Sorted by name. Links, special files and names with `:` are left out: nothing here could open them."""
        found: list[tuple[str, FileStat]] = []
        with os.scandir(self.fd) as entries:
            names = sorted(entry.name for entry in entries if ":" not in entry.name)
        for name in names:
            try:
                status = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since it was listed
            if st.S_ISREG(status.st_mode) or st.S_ISDIR(status.st_mode):
                found.append((name, describe(status, f"/proc/self/fd/{self.fd}/{name}")))
        return found

    def close(self) -> None:
        self.fd.close()


def describe(status: os.stat_result, file: int | str, born: int | None = None) -> FileStat:
    """`file`: the descriptor or path whose extended attributes complete the picture; `born` if that is known."""
    directory = st.S_ISDIR(status.st_mode)
    names = metadata.names(file)
    dos = attributes.load(file, directory) if attributes.NAME in names else attributes.default(directory)
    created = dos.created
    if created is None:
        created = birth.born(file) if born is None else born
    written = status.st_mtime_ns
    return FileStat(
        status.st_dev,
        status.st_ino,
        directory,
        0 if directory else status.st_size,
        # Blocks that only hold extended attributes are no allocation of the (empty) data stream.
        0 if directory or status.st_size == 0 else status.st_blocks * _BLOCK,
        min(written, status.st_ctime_ns) if created is None else created,
        status.st_atime_ns,
        written,
        dos.changed_as_of(status),
        status.st_nlink,
        dos.attributes,
        extended=_listed(metadata.extended(file, names)) if names else 0,
        described=metadata.DESCRIPTOR in names,
    )


def _listed(extended: dict[str, bytes]) -> int:
    """Bytes of a list of them: it has four of its own, each entry four and a zero after its name (MS-FSCC 2.4.12)."""
    return sum(5 + len(name) + len(value) for name, value in extended.items()) + 4 * bool(extended)
