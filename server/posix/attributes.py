"""DOS attributes and creation time, which POSIX does not keep: one extended attribute a file.
 Owns the attribute's layout. Where the file system has no user attributes, setting them is silently without
effect, as with Samba's `store dos attributes = no`: reading gives the defaults. Called by
`server.posix.files` alone.
"""

from __future__ import annotations

import errno
import os
from struct import Struct

_NAME = "user.smb.dos"
_LAYOUT = Struct("<BIq")
_VERSION = 1
_EARLIEST, _LATEST = -(1 << 63), (1 << 63) - 1
"""What 64 bits of ns reach: the years 1678 to 2262."""

_NOT_THERE = (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EBADF)

ARCHIVE = 0x20
SETTABLE = 0x01 | 0x02 | 0x04 | 0x20 | 0x100 | 0x200 | 0x1000 | 0x2000
"""READONLY, HIDDEN, SYSTEM, ARCHIVE, TEMPORARY, SPARSE_FILE, OFFLINE, NOT_CONTENT_INDEXED."""


def load(file: int | str) -> tuple[int | None, int | None]:
    """(attributes, creation time in ns), each None where it was never set."""
    try:
        raw = os.getxattr(file, _NAME)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None, None
        raise
    if len(raw) != _LAYOUT.size or raw[0] != _VERSION:
        return None, None
    _, attributes, created = _LAYOUT.unpack(raw)
    return attributes & SETTABLE, created or None


def store(file: int | str, attributes: int, created: int | None) -> None:
    kept = max(_EARLIEST, min(created or 0, _LATEST))
    try:
        os.setxattr(file, _NAME, _LAYOUT.pack(_VERSION, attributes & SETTABLE, kept))
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
