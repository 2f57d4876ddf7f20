"""Names of AF_UNIX sockets (unix(7)): paths, which are the machine's own, and abstract ones.

Owns who has which. A path is a real node in the real file system (mknod(2)), so that stat, unlink and rename of
it mean what they always do; which socket it means is known here by device and inode.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Any

from swrap.fake.kernel.file import fail

MAX_PATH = 108


class UnixNames:
    """One table for all hosts of a world."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[int, int], Any] = {}
        self._abstract: dict[bytes, Any] = {}
        self._keys: dict[Any, Any] = {}
        self._last = 0

    def bind(self, socket: Any, name: str | bytes) -> str | bytes:
        """Give ``socket`` that name (empty: any abstract one). Raises EADDRINUSE and what mknod(2) does."""
        raw = os.fsencode(name)
        if not raw:
            self._last += 1
            raw = b"\0%05x" % self._last
        if len(raw) > MAX_PATH:
            raise OSError("AF_UNIX path too long")
        if raw[:1] == b"\0":
            if raw in self._abstract:
                fail(errno.EADDRINUSE)
            self._abstract[raw] = socket
            self._keys[socket] = raw
            return raw
        try:
            os.mknod(raw, 0o777 | stat.S_IFSOCK)
        except FileExistsError:
            fail(errno.EADDRINUSE)
        self._keys[socket] = node = _node(raw)
        self._nodes[node] = socket
        return name if isinstance(name, str) else os.fsdecode(name)

    def find(self, name: str | bytes) -> Any:
        """The socket of that name. Raises ECONNREFUSED, and what stat(2) does."""
        raw = os.fsencode(name)
        if len(raw) > MAX_PATH:
            raise OSError("AF_UNIX path too long")
        if not raw:
            fail(errno.EINVAL)
        found = self._abstract.get(raw) if raw[:1] == b"\0" else self._nodes.get(_node(raw))
        return found if found is not None else fail(errno.ECONNREFUSED)

    def release(self, socket: Any) -> None:
        """The socket is gone; the node of a path stays, as it always does."""
        key = self._keys.pop(socket, None)
        table: dict[Any, Any] = self._abstract if isinstance(key, bytes) else self._nodes
        table.pop(key, None)


def _node(path: bytes) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116  # bytes
    return found.st_dev, found.st_ino
