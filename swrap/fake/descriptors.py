"""The file descriptors of one process.

Owns numbers: the lowest that is free (open(2)), from ``FIRST`` on, where no real descriptor of this Python ever
is, so that neither can be taken for the other. Which file a number means is all that it knows of files.
"""

from __future__ import annotations

import errno
from heapq import heappop, heappush

from swrap.fake.kernel.file import File, fail

FIRST = 1_000_000
LIMIT = 1_048_576
"""RLIMIT_NOFILE."""


class Descriptors:
    """``files`` by number; ``inheritable`` are those without FD_CLOEXEC."""

    def __init__(self) -> None:
        self.files: dict[int, File] = {}
        self.inheritable: set[int] = set()
        self._free: list[int] = []
        self._top = FIRST

    def open(self, file: File, *, at_least: int = FIRST) -> int:
        """A number for ``file``, one holder more. Raises EMFILE."""
        if at_least > FIRST:
            number = at_least
            while number in self.files:
                number += 1
            return self._put(number, file)
        if self._free:
            number = heappop(self._free)
            while number in self.files and self._free:
                number = heappop(self._free)
            if number not in self.files:
                return self._put(number, file)
        while self._top in self.files:
            self._top += 1
        if self._top - FIRST >= LIMIT:
            fail(errno.EMFILE)
        number, self._top = self._top, self._top + 1
        return self._put(number, file)

    def replace(self, number: int, file: File) -> None:
        """``number`` means ``file`` from now on (dup2(2))."""
        file.hold()
        if number in self.files:
            self.close(number)
        self.files[number] = file

    def get(self, number: int) -> File:
        """The file. Raises EBADF."""
        try:
            return self.files[number]
        except KeyError:
            fail(errno.EBADF)

    def close(self, number: int) -> None:
        """It means nothing any more. Raises EBADF."""
        file = self.files.pop(number, None)
        if file is None:
            fail(errno.EBADF)
        self.inheritable.discard(number)
        heappush(self._free, number)
        file.release()

    def close_all(self) -> None:
        """What the end of a process does."""
        for number in sorted(self.files):
            self.files.pop(number).release()
        self.inheritable.clear()

    def _put(self, number: int, file: File) -> int:
        file.hold()
        self.files[number] = file
        return number
