"""A connected share: opens in it, directories, whole files.

Owns the tree connect. Must not know channels. Called by ``client``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from server.client.copying import Copied, Progress, nobody, read_all, write_all
from server.client.files import Entry, OpenFile
from server.client.lease import Caching
from server.client.leases import Leases
from server.client.opening import Opening
from server.client.options import Options
from server.client.request import Request, TreeId
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
from server.wire.header import Command
from server.wire.tree import ShareFlags, TreeConnectRequest, TreeConnectResponse


class Tree:
    """A connected share. Paths are relative to it, with either slash."""

    def __init__(self, session: Session, options: Options, leases: Leases, tree_id: TreeId) -> None:
        self._session = session
        self._options = options
        self._leases = leases
        self.id = tree_id

    @classmethod
    async def connect(cls, session: Session, options: Options, leases: Leases, share: str) -> Tree:
        """StatusError: there is no such share, or not for this user."""
        return cls(session, options, leases, await connect(session, options.server, share))

    async def open(
        self,
        path: str,
        *,
        access: int = FILE_GENERIC_READ,
        disposition: Disposition = Disposition.OPEN,
        options: CreateOptions = CreateOptions.NON_DIRECTORY_FILE,
        share: ShareAccess = ShareAccess.READ,
        caching: Caching = Caching.NONE,
    ) -> OpenFile:
        """Open or create, with a lease of its own if there is ``caching`` to be allowed. StatusError: the server
        will not.
        """
        lease = self._leases.new(path, self.id, caching) if caching else None
        opening = Opening(path, access, disposition, options, share, lease)
        try:
            return await OpenFile.open(self._session, self.id, opening)
        except BaseException:
            if lease is not None:
                self._leases.drop(lease)
            raise

    async def listdir(self, path: str = "") -> list[Entry]:
        """The entries of a directory but ``.`` and ``..``, by name."""
        handle = await self.open(
            path,
            options=CreateOptions.DIRECTORY_FILE,
            share=ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE,
            access=Access.READ_DATA | Access.READ_ATTRIBUTES | Access.SYNCHRONIZE,
        )
        try:
            return sorted(await handle.entries(), key=lambda entry: entry.name)
        finally:
            await handle.close()

    async def put(
        self, path: str, chunks: Iterable[Buffer], total: int, progress: Progress = nobody
    ) -> Copied:
        """Write a file of ``total`` bytes, taken from ``chunks`` (none larger than ``Options.chunk``) as they
        can be sent. StatusError: the server will not; the part that was written stays.
        """
        start = asyncio.get_running_loop().time()
        target = await self.open(
            path, access=FILE_GENERIC_READ | FILE_GENERIC_WRITE, disposition=Disposition.OVERWRITE_IF
        )
        written, digest = await write_all(target, chunks, total, self._options.in_flight, progress)
        return Copied(written, digest, asyncio.get_running_loop().time() - start)

    async def get(self, path: str, sink: Callable[[Buffer], object], progress: Progress = nobody) -> Copied:
        """Read a file; ``sink`` gets its bytes in order. StatusError: the server will not."""
        start = asyncio.get_running_loop().time()
        origin = await self.open(path)
        chunk = min(self._options.chunk, self._session.terms.max_read)
        done, digest = await read_all(origin, sink, chunk, self._options.in_flight, progress)
        return Copied(done, digest, asyncio.get_running_loop().time() - start)


async def connect(session: Session, server: str, share: str) -> TreeId:
    """StatusError: there is no such share, or not for this user."""
    asked = TreeConnectRequest(f"\\\\{server}\\{share}")
    reply = await session.ask(Request(Command.TREE_CONNECT, lambda: [asked.encode()]))
    flags = TreeConnectResponse.decode(reply.body).share_flags
    return TreeId(reply.header.tree_id, encrypted=bool(flags & ShareFlags.ENCRYPT_DATA))
