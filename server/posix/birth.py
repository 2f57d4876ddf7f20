"""When a file was born: statx(2), of which Python knows nothing yet.

Called by `server.posix.handle` alone.
"""

from __future__ import annotations

import ctypes
from struct import Struct

_AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH, _AT_FDCWD = 0x100, 0x1000, -100
_BTIME = 0x800
_Statx = ctypes.c_char * 256
_MASK, _TIME = Struct("=I"), Struct("=qI")
_PLACE = 80
"""Of stx_btime in struct statx."""

_libc = ctypes.CDLL(None, use_errno=True)


def born(file: int | str) -> int | None:
    """ns since 1970; None where the file system does not keep it, or the kernel cannot say."""
    buffer = _Statx()
    if isinstance(file, int):
        failed = _libc.statx(file, b"", _AT_EMPTY_PATH, _BTIME, buffer)
    else:
        path = file.encode("utf-8", "surrogateescape")
        failed = _libc.statx(_AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, _BTIME, buffer)
    if failed or not _MASK.unpack_from(buffer)[0] & _BTIME:
        return None
    seconds, rest = _TIME.unpack_from(buffer, _PLACE)
    found: int = seconds * 1_000_000_000 + rest
    return found
