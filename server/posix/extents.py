"""Which parts of a file have blocks: fallocate(2), and lseek(2) with SEEK_DATA and SEEK_HOLE.

Called by `server.posix.handle` alone.
"""

from __future__ import annotations

import ctypes
import errno
import os

_KEEP_SIZE, _PUNCH_HOLE, _ZERO_RANGE = 0x01, 0x02, 0x10

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


class Unsupported(OSError):
    """The file system does not know how."""


def reserve(fd: int, size: int) -> None:
    """Blocks for the first `size` bytes, behind the end of the file if need be."""
    if size:
        _fallocate(fd, _KEEP_SIZE, 0, size)


def zero(fd: int, offset: int, length: int, *, punch: bool) -> None:
    """A hole there if `punch`, else blocks that read as zeros."""
    _fallocate(fd, _KEEP_SIZE | (_PUNCH_HOLE if punch else _ZERO_RANGE), offset, length)


def data(fd: int, start: int, end: int) -> list[tuple[int, int]]:
    """What lies between holes, as (offset, length), in order."""
    found: list[tuple[int, int]] = []
    while start < end:
        try:
            begin = os.lseek(fd, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole to the end of the file
                break
            raise
        if begin >= end:
            break
        start = os.lseek(fd, begin, os.SEEK_HOLE)
        found.append((begin, min(start, end) - begin))
    return found


def _fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    if _libc.fallocate(fd, mode, offset, length) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        raise Unsupported(number, os.strerror(number))
    raise OSError(number, os.strerror(number))
