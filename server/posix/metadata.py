"""What a file carries that POSIX does not know: extended attributes `user.smb.*`, which no client can name.

Unlike DOS attributes (`attributes`) none of these can be done without: where the file system has no such attributes,
setting one fails. Called by `server.posix` alone.
"""

from __future__ import annotations

import errno
import os

DESCRIPTOR = "user.smb.security"

_NONE = (errno.ENODATA, errno.EOPNOTSUPP)


def load(file: int | str, name: str) -> bytes | None:
    """None: there is none. OSError: there may be one, and it cannot be read."""
    try:
        return os.getxattr(file, name)
    except OSError as error:
        if error.errno in _NONE:
            return None
        raise


def store(file: int | str, name: str, value: bytes) -> None:
    """OSError ENOSPC: there is no room for it; EOPNOTSUPP: nor for any."""
    os.setxattr(file, name, value)


def beneath(directory: int) -> str:
    """A path for a descriptor that is good for a path alone (O_PATH)."""
    return f"/proc/self/fd/{directory}"
