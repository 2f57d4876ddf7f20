"""Who is called when a descriptor of a process is ready.

Owns the list of descriptors to look at again, so that a turn costs what is ready, not what is open. Level-
triggered, as epoll(7) is by default. Used by ``loop``.
"""

from __future__ import annotations

from asyncio import Handle
from typing import TYPE_CHECKING

from swrap.fake.kernel.file import READABLE, WRITABLE, File

if TYPE_CHECKING:
    from swrap.fake.loop.loop import FakeLoop


class Watch:
    """Implements ``kernel.file.Watcher`` for one descriptor of one loop."""

    __slots__ = ("fd", "file", "loop", "reader", "writer")

    def __init__(self, loop: FakeLoop, fd: int, file: File) -> None:
        self.loop = loop
        self.fd = fd
        self.file = file
        self.reader: Handle | None = None
        self.writer: Handle | None = None
        file.watchers.append(self)

    def notify(self) -> None:
        """See ``Watcher``."""
        loop = self.loop
        loop.changed[self] = None
        if not loop.queued:
            loop.enqueue()

    def fire(self) -> bool:
        """Have those called whose wish is fulfilled. False: nobody's is, and only a change can change that."""
        reader, writer = self.reader, self.writer
        if writer is None:  # the common case, and the cheaper question
            if reader is None or not self.file.readable():
                return False
            self.loop.ready.append(reader)
            return True
        mask = self.file.poll()
        ready = False
        if reader is not None and mask & READABLE:
            self.loop.ready.append(reader)
            ready = True
        if mask & WRITABLE:
            self.loop.ready.append(writer)
            ready = True
        return ready

    def drop(self) -> None:
        """Watch no more."""
        self.loop.changed.pop(self, None)
        if self in self.file.watchers:
            self.file.watchers.remove(self)
