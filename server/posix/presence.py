"""At which nodes of a cluster a file is open, as far as they must know of each other: by locks of the file system.

Owns two bytes a node, far behind the end of any file: one is locked as long as the node reads the file, the other as
long as it changes it (fcntl(2), F_OFD_SETLK). Such a lock belongs to the open descriptor and goes with it, however
its process ends. All workers of a node share its bytes, since their locks are shared ones.
"""

from __future__ import annotations

import fcntl
import os
from struct import Struct

_FLOCK = Struct("@hhqqi4x")
"""l_type, l_whence, l_start, l_len, l_pid"""
_BASE = 1 << 62


def claim(fd: int, node: int, nodes: int, *, change: bool) -> bool:
    """Be there as a reader, or to `change` it. False: that does not go with another of the `nodes`, which are
    numbered from 0. OSError: a file system without such locks.
    """
    own = _BASE + 2 * node + change
    _call(fd, fcntl.F_OFD_SETLK, fcntl.F_RDLCK, own, 1)
    for other in range(nodes):
        # Who looks has been seen before: of two that come at once, both may give way, but never neither.
        first, length = (0, 2) if change else (1, 1)
        if other != node and _locked(fd, _BASE + 2 * other + first, length):
            _call(fd, fcntl.F_OFD_SETLK, fcntl.F_UNLCK, own, 1)
            return False
    return True


def _locked(fd: int, start: int, length: int) -> bool:
    kind: int = _FLOCK.unpack(_call(fd, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, start, length))[0]
    return kind != fcntl.F_UNLCK


def _call(fd: int, command: int, kind: int, start: int, length: int) -> bytes:
    return fcntl.fcntl(fd, command, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))
