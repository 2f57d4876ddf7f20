"""A connected share: opens in it, directories, whole files.

Owns the tree connect. Must not know channels. Called by ``client``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

from server.client.copying import Copied, Progress, nobody, read_all, write_all
from server.client.errors import ClientError
from server.client.files import Entry, OpenFile
from server.client.holdings import Holdings
from server.client.lease import Caching
from server.client.opening import Opening
from server.client.options import Options
from server.client.request import TreeId
from server.client.session import Session
from server.wire.buffers import Buffer
from server.wire.create import (
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    Access,
    CreateOptions,
    Disposition,
    ShareAccess,
)

_EVERYBODY = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
_LASTING = Caching.R | Caching.H
"""What a copy asks for, to outlive its session: nobody has to wait for it because of that."""


class Tree:
    """A connected share. Paths are relative to it, with either slash."""

    def __init__(self, session: Session, options: Options, holdings: Holdings, tree_id: TreeId) -> None:
        self._session = session
        self._options = options
        self._holdings = holdings
        self.id = tree_id

    @classmethod
    async def connect(cls, session: Session, options: Options, holdings: Holdings, share: str) -> Tree:
        """StatusError: there is no such share, or not for this user."""
        return cls(session, options, holdings, await holdings.connect(share))

    async def open(
        self,
        path: str,
        *,
        access: int = FILE_GENERIC_READ,
        disposition: Disposition = Disposition.OPEN,
        options: int = CreateOptions.NON_DIRECTORY_FILE,
        share: int = ShareAccess.READ,
        caching: Caching = Caching.NONE,
    ) -> OpenFile:
        """Open or create, with a lease of its own if there is ``caching`` to be allowed. StatusError: the server
        will not.
        """
        leases = self._holdings.leases
        lease = leases.new(path, self.id, caching) if caching and self._session.leasing else None
        opening = Opening(path, access, disposition, options, share, lease)
        try:
            return await self._holdings.open(self.id, opening)
        except BaseException:
            if lease is not None:
                leases.drop(lease)
            raise

    async def close(self, file: OpenFile) -> None:
        """Once more is not an error. StatusError: the server will not."""
        try:
            await self._holdings.close(file)
        finally:
            if file.opening.lease is not None:
                self._holdings.leases.drop(file.opening.lease)

    @contextlib.asynccontextmanager
    async def _closing(self, file: OpenFile) -> AsyncIterator[None]:
        """Close it after what is done with it; the error of that goes before one of the closing."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(ClientError):
                await self.close(file)
            raise
        await self.close(file)

    async def listdir(self, path: str = "") -> list[Entry]:
        """The entries of a directory but ``.`` and ``..``, by name."""
        handle = await self.open(
            path,
            options=CreateOptions.DIRECTORY_FILE,
            share=_EVERYBODY,
            access=Access.READ_DATA | Access.READ_ATTRIBUTES | Access.SYNCHRONIZE,
        )
        try:
            return sorted(await handle.entries(), key=lambda entry: entry.name)
        finally:
            await self.close(handle)

    async def mkdir(self, path: str) -> None:
        """Make a directory. StatusError: OBJECT_NAME_COLLISION where there is something."""
        made = await self.open(path, disposition=Disposition.CREATE, options=CreateOptions.DIRECTORY_FILE)
        await self.close(made)

    async def remove(self, path: str) -> None:
        """Delete a file, or a directory that is empty. StatusError: the server will not."""
        file = await self.open(path, access=Access.DELETE, share=_EVERYBODY, options=0)
        async with self._closing(file):
            await file.delete()

    async def rename(self, path: str, target: str) -> None:
        """Give a file or a directory another name in the share, one that is free. StatusError: it will not."""
        file = await self.open(path, access=Access.DELETE, share=_EVERYBODY, options=0)
        async with self._closing(file):
            await file.rename(target)

    async def put(
        self, path: str, chunks: Iterable[Buffer], total: int, progress: Progress = nobody
    ) -> Copied:
        """Write a file of ``total`` bytes, taken from ``chunks`` (none larger than ``Options.chunk``) as they
        can be sent. StatusError: the server will not; the part that was written stays.
        """
        start = asyncio.get_running_loop().time()
        target = await self.open(
            path,
            access=FILE_GENERIC_READ | FILE_GENERIC_WRITE,
            disposition=Disposition.OVERWRITE_IF,
            caching=_LASTING,
        )
        async with self._closing(target):
            written, digest = await write_all(target, chunks, total, self._options.in_flight, progress)
        return Copied(written, digest, asyncio.get_running_loop().time() - start)

    async def get(self, path: str, sink: Callable[[Buffer], object], progress: Progress = nobody) -> Copied:
        """Read a file; ``sink`` gets its bytes in order. StatusError: the server will not."""
        start = asyncio.get_running_loop().time()
        origin = await self.open(path, caching=_LASTING)
        chunk = min(self._options.chunk, self._session.terms.max_read)
        async with self._closing(origin):
            done, digest = await read_all(origin, sink, chunk, self._options.in_flight, progress)
        return Copied(done, digest, asyncio.get_running_loop().time() - start)
