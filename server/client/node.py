"""One file of which bytes, metadata and opens are kept here as long as a lease allows it.

Owns what is kept of a path: contents, metadata, and opens on the server that outlast their last user here. To
read what is known, to write, to look at the metadata and to open what is open already, nobody need ask the server. A
break of the lease writes back what only we have and closes what nobody uses, and only then is it acknowledged; what
may have changed is forgotten before it is looked at again. Called by ``cached``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from server.client.contents import PAGE, Contents
from server.client.errors import ClientError
from server.client.files import OpenFile
from server.client.holdings import Holdings
from server.client.lease import Caching
from server.client.opening import Opening
from server.client.options import Options
from server.client.request import TreeId
from server.client.session import Session
from server.wire.buffers import Buffer
from server.wire.create import Disposition, ShareAccess
from server.wire.file_infos import NetworkOpenInformation

_EVERYBODY = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
_EXISTING = (Disposition.OPEN, Disposition.OPEN_IF)


class Node:
    """All that is kept of one path. It ends, by ``on_end``, when nothing of it is open on the server."""

    def __init__(
        self, session: Session, options: Options, holdings: Holdings, tree: TreeId, path: str, wanted: Caching
    ) -> None:
        self._session = session
        self._options = options
        self._holdings = holdings
        self._tree = tree
        self.path = path
        self.lease = holdings.leases.new(path, tree, wanted, self._broken)
        self.users = 0
        self.on_end: Callable[[], None] = lambda: None
        self._files: list[OpenFile] = []
        self._opening = asyncio.Lock()
        self._flushing = asyncio.Lock()
        self._closing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._contents = Contents(0)
        self._info: NetworkOpenInformation | None = None
        self._lapses = 0
        self._failed: ClientError | None = None

    # -- opens

    async def open(self, access: int, disposition: Disposition) -> OpenFile:
        """One that has that access: there already, or made. StatusError: the server will not."""
        self.users += 1
        if self._closing is not None:
            self._closing.cancel()
        try:
            async with self._opening:
                if disposition not in _EXISTING:
                    await self.flush()  # What was written before goes before what makes it void.
                else:
                    for file in self._files:
                        if file.lost is None and file.opening.access & access == access:
                            return file
                return await self._open(access, disposition)
        except BaseException:
            self.users -= 1
            if not self.users and not self._files:
                self._end()
            raise

    async def _open(self, access: int, disposition: Disposition) -> OpenFile:
        lease = self.lease if self.lease.wanted else None
        opening = Opening(self.path, access, disposition, share=_EVERYBODY, lease=lease)
        file = await self._holdings.open(self._tree, opening)
        self._files.append(file)
        if not self._contents.unwritten:
            created = file.created
            self._info = NetworkOpenInformation(
                created.creation_time,
                created.last_access_time,
                created.last_write_time,
                created.change_time,
                created.allocation_size,
                created.end_of_file,
                created.attributes,
            )
            if len(self._files) == 1 or disposition not in _EXISTING:
                self._contents = Contents(created.end_of_file)
                self._lapses = self.lease.lapses
        return file

    async def release(self) -> None:
        """One user less. With the last, the opens stay for a while if the lease lets them, or are closed."""
        try:
            await self.flush()
        finally:
            self.users -= 1
            if not self.users and not (self._kept(Caching.H) and self._options.deferred_close):
                await self._close()
            elif not self.users:
                loop = asyncio.get_running_loop()
                self._closing = loop.call_later(self._options.deferred_close, self._spawn_close)

    async def let_go(self) -> None:
        """Close what nobody uses, without waiting for the time to be over."""
        if not self.users:
            await self._close()

    def _spawn_close(self) -> None:
        async def close() -> None:
            with contextlib.suppress(ClientError):
                await self.let_go()

        task = asyncio.get_running_loop().create_task(close(), name=f"deferred close of {self.path}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        files, self._files = self._files, []
        self._end()
        for file in files:
            await self._holdings.close(file)

    def _end(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._holdings.leases.drop(self.lease)
        self.on_end()

    async def give_up(self) -> None:
        """The client ends: nothing is awaited of the server any more."""
        if self._closing is not None:
            self._closing.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- bytes and metadata

    def _kept(self, what: Caching) -> bool:
        """Whether the lease allows it now; while the session is lost, who knows."""
        return bool(self.lease.state & what) and self._session.is_whole and self._session.lost is None

    async def _current(self, file: OpenFile) -> None:
        """Forget what was known before the lease had lapsed."""
        if self._lapses != self.lease.lapses:
            self._lapses = self.lease.lapses
            self._info = await file.info()
            self._contents.forget(self._info.end_of_file)

    async def read(self, file: OpenFile, offset: int, length: int) -> tuple[bytes, bool]:
        """(the bytes, whether all of them were known)."""
        if not self._kept(Caching.R):
            await self.flush()
            return bytes(await file.read(offset, length)), False
        await self._current(file)
        contents, lapses = self._contents, self._lapses
        known = True
        while missing := contents.missing(offset, length):
            known = False
            first, count = _run(missing, max(1, self._options.chunk // PAGE))
            data = memoryview(await file.read(first * PAGE, count * PAGE))
            if self.lease.lapses != lapses or self._contents is not contents:
                return await self.read(file, offset, length)  # It may have changed meanwhile.
            for number in range(count):
                contents.fill(first + number, data[number * PAGE : (number + 1) * PAGE])
        return contents.read(offset, length), known

    async def write(self, file: OpenFile, data: Buffer, offset: int) -> bool:
        """Whether it was kept to be written later."""
        self._info = None
        if self._kept(Caching.W):
            await self._current(file)
        if self._kept(Caching.W):
            self._contents.write(offset, data)
            if self._contents.unwritten > self._options.write_back:
                await self.flush()
            return True
        await self.flush()
        await file.write(data, offset)
        if self._kept(Caching.R):
            self._contents.written(offset, data)
        else:
            self._contents.forget()
        return False

    async def flush(self) -> None:
        """The server has what was written. ClientError: it has not, and never will."""
        async with self._flushing:
            if self._failed is not None:
                error, self._failed = self._failed, None
                raise error
            while self._contents.unwritten:
                contents = self._contents
                writer = next(file for file in self._files if file.writes)
                try:
                    for offset, data in contents.leaving():
                        for start in range(0, len(data), self._options.chunk):
                            piece = memoryview(data)[start : start + self._options.chunk]
                            await writer.write(piece, offset + start)
                except ClientError:
                    contents.lose()
                    raise
                contents.left()

    async def info(self, file: OpenFile) -> tuple[NetworkOpenInformation, bool]:
        """(the metadata, whether they were known)."""
        if self._kept(Caching.R):
            await self._current(file)
            if self._info is not None:
                return self._info, True
        await self.flush()
        lapses, info = self.lease.lapses, await file.info()
        if lapses == self.lease.lapses:
            self._info = info
        return info, False

    async def _broken(self, left: Caching) -> None:
        if not left & Caching.W:
            try:
                await self.flush()
            except ClientError as error:
                self._failed = error  # For whoever flushes next.
        if not left & Caching.H:
            with contextlib.suppress(ClientError):
                await self.let_go()


def _run(pages: list[int], most: int) -> tuple[int, int]:
    """(first, count) of those at the beginning that are consecutive, ``most`` at most."""
    count = 1
    while count < min(len(pages), most) and pages[count] == pages[0] + count:
        count += 1
    return pages[0], count
