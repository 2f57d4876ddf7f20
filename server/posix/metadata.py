"""What a file carries that POSIX does not know: extended attributes `user.smb.*`, none of which a client can name but
those that it has made itself (`extended`).

Unlike DOS attributes (`attributes`) none of these can be done without: where the file system has no such attributes,
setting one fails. Called by `server.posix` alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

DESCRIPTOR = "user.smb.security"
STREAMS = "user.smb.streams"
_EXTENDED = "user.smb.ea."

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


def names(file: int | str) -> list[str]:
    """Of those that it has. Where they cannot be listed it may have a descriptor."""
    try:
        return os.listxattr(file)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        if error.errno in (errno.EACCES, errno.EPERM):
            return [DESCRIPTOR]
        raise


def extended(file: int | str, among: Iterable[str] | None = None) -> dict[str, bytes]:
    """The clients' own, in the order of their names. `among`: the attributes that there are, if they are known."""
    found = sorted(name for name in (names(file) if among is None else among) if name.startswith(_EXTENDED))
    values = ((name, load(file, name)) for name in found)
    return {name.removeprefix(_EXTENDED): value for name, value in values if value is not None}


def set_extended(file: int | str, name: str, value: bytes) -> None:
    """Empty: it goes. Names are the same but for case, and stay as they were first spelt."""
    spelt = next((known for known in extended(file) if known.casefold() == name.casefold()), name)
    if value:
        store(file, _EXTENDED + spelt, value)
    elif spelt in extended(file):
        os.removexattr(file, _EXTENDED + spelt)


def beneath(directory: int) -> str:
    """A path for a descriptor that is good for a path alone (O_PATH)."""
    return f"/proc/self/fd/{directory}"
