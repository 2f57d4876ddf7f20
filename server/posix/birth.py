"""When a file was born: statx(2), of which Python knows nothing yet.

Called by `server.posix.files` and `server.posix.handle`.
"""

from __future__ import annotations

import ctypes
import os
from struct import Struct

_AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH, _AT_FDCWD = 0x100, 0x1000, -100
_TYPE, _BTIME = 0x001, 0x800
_Statx = ctypes.c_char * 256
_SEEN = Struct("=I24xH50xqI")
"""stx_mask, stx_mode, and both parts of stx_btime."""

_statx = ctypes.CDLL(None).statx


def born(file: int | str) -> int | None:
    """ns since 1970; None where the file system does not keep it, or the kernel cannot say."""
    if isinstance(file, int):
        return of_kind(file)[1]
    buffer, path = _Statx(), file.encode("utf-8", "surrogateescape")
    failed = _statx(_AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, _BTIME, buffer)
    return None if failed else _of(buffer)[1]


def of_kind(fd: int) -> tuple[int, int | None]:
    """What of an open file never changes: of its mode what kind it is, and when it was born."""
    buffer = _Statx()
    if _statx(fd, b"", _AT_EMPTY_PATH, _TYPE | _BTIME, buffer):
        return os.fstat(fd).st_mode, None
    return _of(buffer)


def _of(buffer: ctypes.Array[ctypes.c_char]) -> tuple[int, int | None]:
    mask, mode, seconds, rest = _SEEN.unpack_from(buffer)
    return mode, seconds * 1_000_000_000 + rest if mask & _BTIME else None
