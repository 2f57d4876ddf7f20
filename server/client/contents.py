"""What is known of a file's bytes: pages as the server has them, and writes that it does not have yet.

Sans-I/O. Must not know leases: whoever holds one says when to ``forget`` and when to flush. Called by ``cached``.
"""

from __future__ import annotations

from server.wire.buffers import Buffer

PAGE = 65536
"""Bytes that are fetched and kept as one."""
MOST_PAGES = 1024
_COALESCE = 1 << 20

Extent = tuple[int, bytearray]
"""(offset, bytes)."""


class Contents:
    """``size`` in bytes is that of the file with all writes; ``unwritten`` is how many of them only we have."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.unwritten = 0
        self._stored = size
        self._pages: dict[int, bytearray] = {}
        self._dirty: list[Extent] = []
        self._leaving: list[Extent] = []

    def missing(self, offset: int, length: int) -> list[int]:
        """The pages of that range that have to be fetched before it can be read. The others stay longer for it."""
        end = min(offset + length, self.size)
        if offset >= end:
            return []
        pages = range(offset // PAGE, (end - 1) // PAGE + 1)
        for page in pages:
            if page in self._pages:
                self._pages[page] = self._pages.pop(page)
        return [page for page in pages if page not in self._pages]

    def fill(self, page: int, data: Buffer) -> None:
        """What the server has of ``page``; shorter where the file ends, nothing where it has a hole or none."""
        known = bytearray(PAGE)
        known[: len(data)] = data
        while len(self._pages) >= MOST_PAGES:
            del self._pages[
                next(iter(self._pages))
            ]  # Used the longest ago. What was not written yet is kept beside.
        self._pages[page] = known
        for offset, written in (*self._leaving, *self._dirty):
            self._overlay(page, offset, written)

    def read(self, offset: int, length: int) -> bytes:
        """What ``missing`` has nothing against; up to ``length`` bytes, fewer at the end."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            within = offset % PAGE
            parts.append(self._pages[offset // PAGE][within : min(PAGE, within + end - offset)])
            offset += len(parts[-1])
        return b"".join(parts)

    def write(self, offset: int, data: Buffer) -> None:
        """Keep a write for later."""
        last = self._dirty[-1] if self._dirty else None
        if last is not None and last[0] + len(last[1]) == offset and len(last[1]) + len(data) <= _COALESCE:
            last[1].extend(data)
        else:
            self._dirty.append((offset, bytearray(data)))
        self.unwritten += len(data)
        self._apply(offset, data)

    def written(self, offset: int, data: Buffer) -> None:
        """The server has taken a write that was not kept."""
        self._apply(offset, data)
        self._stored = max(self._stored, offset + len(data))

    def leaving(self) -> list[Extent]:
        """What is to be written now, in this order; ``left`` says that it has been."""
        self._leaving, self._dirty = [*self._leaving, *self._dirty], []
        return self._leaving

    def left(self) -> None:
        for offset, data in self._leaving:
            self.unwritten -= len(data)
            self._stored = max(self._stored, offset + len(data))
        self._leaving = []

    def lose(self) -> None:
        """What was not written yet never will be."""
        self._dirty, self._leaving, self.unwritten, self.size = [], [], 0, self._stored
        self._pages.clear()

    def forget(self, size: int | None = None) -> None:
        """Somebody else may have changed it. Writes that are kept stay."""
        self._pages.clear()
        if size is not None:
            ends = [offset + len(data) for offset, data in (*self._leaving, *self._dirty)]
            self._stored, self.size = size, max(size, *ends, 0)

    def _apply(self, offset: int, data: Buffer) -> None:
        end = offset + len(data)
        self.size = max(self.size, end)
        for page in range(offset // PAGE, (end - 1) // PAGE + 1):
            if page not in self._pages and page * PAGE >= self._stored:
                self.fill(page, b"")  # The server has nothing there.
            self._overlay(page, offset, data)

    def _overlay(self, page: int, offset: int, data: Buffer) -> None:
        known = self._pages.get(page)
        start = page * PAGE
        first, last = max(offset, start), min(offset + len(data), start + PAGE)
        if known is not None and first < last:
            known[first - start : last - start] = memoryview(data)[first - offset : last - offset]
