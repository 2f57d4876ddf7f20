"""Our server on a slow device: `python -m selftest.support.slow_server` takes the flags of `python -m server`.

A read of a file whose name begins with `slow` takes two seconds; one of `gated` waits while somebody has locked the file
`gate` beside the share. Everything else is the server as it is.
"""

from __future__ import annotations

import fcntl
import sys
import time
from pathlib import Path

from server.cli import main
from server.posix.handle import PosixHandle

SLOW = 2.0

_read_into, _read_cached = PosixHandle.read_into, PosixHandle.read_cached


def _path(handle: PosixHandle) -> Path:
    return Path(f"/proc/self/fd/{handle.fd}").readlink()


def _into(handle: PosixHandle, buffer: memoryview, offset: int) -> int:
    path = _path(handle)
    if path.name.startswith("slow"):
        time.sleep(SLOW)  # what the device is: nothing waits for this but who reads there
    if path.name.startswith("gated"):
        with (path.parent.parent / "gate").open() as gate:
            fcntl.flock(gate, fcntl.LOCK_SH)
    return _read_into(handle, buffer, offset)


def _cached(handle: PosixHandle, buffer: memoryview, offset: int) -> int | None:
    return None if _path(handle).name.startswith(("slow", "gated")) else _read_cached(handle, buffer, offset)


if __name__ == "__main__":
    PosixHandle.read_into = _into  # type: ignore[method-assign]
    PosixHandle.read_cached = _cached  # type: ignore[method-assign]
    sys.exit(main())
