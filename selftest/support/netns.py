"""A network namespace for tests: whatever leaks, leaks into nothing, and labs of other runs are out of sight.

`enter` moves this process there (root only); `around` puts a command into one of its own (root, or an ordinary user where the
kernel lets users make namespaces).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from functools import cache

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 1
_IFREQ = struct.Struct("16sH14x")


@cache
def enter() -> bool:
    """Move this process, and all that it starts from now on, into a fresh namespace with only a loopback; once.

    False where that takes root, and we are not; nothing has changed then.
    """
    if os.geteuid() != 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _, flags = _IFREQ.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0)))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))
    return True


def around(argv: Sequence[str]) -> list[str]:
    """``argv`` in a namespace of its own where that is possible, else as it is."""
    return [*_unshare(), *argv]


@cache
def _unshare() -> tuple[str, ...]:
    if shutil.which("unshare") is None:
        return ()
    options = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-r", "-n")
    done = subprocess.run([*options, "true"], capture_output=True, check=False)
    return (*options, "--") if done.returncode == 0 else ()
