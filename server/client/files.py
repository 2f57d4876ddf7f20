"""Trees, opens and whole files, over whichever channels the session has.

Owns the requests that concern files, and how a copy keeps many of them under way. Must not know channels.
Called by ``client``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass

from server.client.errors import ClientError, StatusError
from server.client.options import Options
from server.client.session import Repeat, Request, Session
from server.wire import filetime
from server.wire.buffers import Buffer
from server.wire.create import (
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    Access,
    Attributes,
    CreateOptions,
    CreateRequest,
    CreateResponse,
    Disposition,
    ShareAccess,
)
from server.wire.create_contexts import DURABLE_REQUEST_V2, CreateContext, DurableRequestV2
from server.wire.directory_infos import DirectoryClass, decode_entries
from server.wire.errors import WireError
from server.wire.header import Command
from server.wire.query import QueryDirectoryRequest, QueryResponse
from server.wire.readwrite import (
    CloseRequest,
    FlushRequest,
    ReadRequest,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from server.wire.status import NTSTATUS
from server.wire.tree import ShareFlags, TreeConnectRequest, TreeConnectResponse

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) whenever an answer came."""

_LISTING = 65536


def nobody(_done: int, _total: int) -> None:
    """The progress of a copy that nobody watches."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory. ``written`` in ns since 1970."""

    name: str
    size: int
    directory: bool
    written: int


@dataclass(frozen=True, slots=True)
class Copied:
    """What a whole-file copy did. ``sha256`` in hexadecimal; ``seconds`` from the open to the close."""

    bytes: int
    sha256: str
    seconds: float


class Tree:
    """A connected share. Paths are relative to it, with either slash."""

    def __init__(self, session: Session, options: Options, tree_id: int) -> None:
        self._session = session
        self._options = options
        self.tree_id = tree_id

    @classmethod
    async def connect(cls, session: Session, options: Options, share: str) -> Tree:
        """StatusError: there is no such share, or not for this user."""
        request = TreeConnectRequest(f"\\\\{options.server}\\{share}")
        reply = await session.ask(Request(Command.TREE_CONNECT, [request.encode()]))
        tree_id = reply.header.tree_id
        if TreeConnectResponse.decode(reply.body).share_flags & ShareFlags.ENCRYPT_DATA:
            session.encrypted_trees.add(tree_id)
        return cls(session, options, tree_id)

    async def open(
        self,
        path: str,
        *,
        access: int = FILE_GENERIC_READ,
        disposition: Disposition = Disposition.OPEN,
        options: CreateOptions = CreateOptions.NON_DIRECTORY_FILE,
        share: ShareAccess = ShareAccess.READ,
    ) -> OpenFile:
        """Open or create. StatusError: the server will not."""
        # A name for this very open: should its answer be lost, the replay is told that it is already there.
        again = DurableRequestV2(uuid.UUID(bytes=os.urandom(16), version=4))
        create = CreateRequest(
            name=path.replace("/", "\\").strip("\\"),
            desired_access=access,
            disposition=disposition,
            options=options,
            share_access=share,
            attributes=Attributes.NORMAL,
            contexts=(CreateContext(DURABLE_REQUEST_V2, again.encode()),),
        )
        request = Request(Command.CREATE, [create.encode()], self.tree_id, repeat=Repeat.FLAGGED)
        reply = await self._session.perform(request)
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, f"CREATE {path}")
        response = CreateResponse.decode(reply.body)
        return OpenFile(self._session, self.tree_id, response.file_id, response.end_of_file)

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
        digest = hashlib.sha256()
        written = 0

        def numbered() -> Iterator[tuple[int, Buffer]]:
            offset = 0
            for chunk in chunks:
                digest.update(chunk)
                yield offset, chunk
                offset += len(chunk)

        source = numbered()

        async def carry() -> None:
            nonlocal written
            for offset, chunk in source:
                await target.write(chunk, offset)
                written += len(chunk)
                progress(written, total)

        await _together(carry, self._options.in_flight, target)
        return Copied(written, digest.hexdigest(), asyncio.get_running_loop().time() - start)

    async def get(self, path: str, sink: Callable[[Buffer], object], progress: Progress = nobody) -> Copied:
        """Read a file; ``sink`` gets its bytes in order. StatusError: the server will not."""
        start = asyncio.get_running_loop().time()
        origin = await self.open(path)
        digest = hashlib.sha256()
        total, chunk, done = origin.size, self._chunk, 0
        early: dict[int, Buffer] = {}
        offsets = iter(range(0, total, chunk))

        async def carry() -> None:
            nonlocal done
            for offset in offsets:
                early[offset] = await origin.read_all(offset, min(chunk, total - offset))
                while done in early:
                    data = early.pop(done)
                    digest.update(data)
                    sink(data)
                    done += len(data)
                    progress(done, total)

        await _together(carry, self._options.in_flight, origin)
        return Copied(done, digest.hexdigest(), asyncio.get_running_loop().time() - start)

    @property
    def _chunk(self) -> int:
        return min(self._options.chunk, self._session.terms.max_read)


class OpenFile:
    """A file or directory that is open on the server. ``size`` is that at the open, in bytes."""

    def __init__(self, session: Session, tree_id: int, file_id: bytes, size: int) -> None:
        self._session = session
        self._tree_id = tree_id
        self._file_id = file_id
        self.size = size

    async def write(self, data: Buffer, offset: int) -> None:
        """All of ``data``, which must fit into one request. StatusError: not written."""
        request = Request(
            Command.WRITE,
            WriteRequest(self._file_id, data, offset).parts(),
            self._tree_id,
            payload=len(data),
            size=len(data),
            repeat=Repeat.FLAGGED,
        )
        count = WriteResponse.decode((await self._session.ask(request)).body).count
        if count != len(data):
            raise ClientError(f"WRITE: the server took {count} of {len(data)} bytes")

    async def read(self, offset: int, length: int) -> Buffer:
        """Up to ``length`` bytes, fewer at the end, none beyond it."""
        request = Request(
            Command.READ,
            [ReadRequest(self._file_id, length, offset).encode()],
            self._tree_id,
            payload=length,
            size=length,
        )
        reply = await self._session.perform(request)
        if reply.status is NTSTATUS.END_OF_FILE:
            return b""
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, "READ")
        return ReadResponse.decode(reply.body).data

    async def read_all(self, offset: int, length: int) -> Buffer:
        """Exactly ``length`` bytes. ClientError: the file ends before."""
        data = await self.read(offset, length)
        while len(data) < length:
            more = await self.read(offset + len(data), length - len(data))
            if not more:
                raise ClientError(f"the file ends at {offset + len(data)}, not at {offset + length}")
            data = bytes(data) + bytes(more)
        return data

    async def flush(self) -> None:
        body = [FlushRequest(self._file_id).encode()]
        await self._session.ask(Request(Command.FLUSH, body, self._tree_id))

    async def entries(self) -> list[Entry]:
        """What is in this directory, in the server's order."""
        found: list[Entry] = []
        while True:
            query = QueryDirectoryRequest(self._file_id, DirectoryClass.ID_BOTH, output_length=_LISTING)
            reply = await self._session.perform(
                # Twice would skip a part of the directory.
                Request(
                    Command.QUERY_DIRECTORY,
                    [query.encode()],
                    self._tree_id,
                    payload=_LISTING,
                    repeat=Repeat.NEVER,
                )
            )
            if reply.status is NTSTATUS.NO_MORE_FILES:
                return found
            if reply.status is not NTSTATUS.SUCCESS:
                raise StatusError(reply.status, "QUERY_DIRECTORY")
            data = QueryResponse.decode(reply.body).data
            for entry in decode_entries(data, DirectoryClass.ID_BOTH):
                if entry.name not in (".", ".."):
                    directory = bool(entry.attributes & Attributes.DIRECTORY)
                    written = filetime.to_unix_ns(entry.last_write_time)
                    found.append(Entry(entry.name, entry.end_of_file, directory, written))

    async def close(self) -> None:
        """Closing twice, as a replay may, is not an error."""
        body = [CloseRequest(self._file_id).encode()]
        reply = await self._session.perform(Request(Command.CLOSE, body, self._tree_id))
        if reply.status not in (NTSTATUS.SUCCESS, NTSTATUS.FILE_CLOSED):
            raise StatusError(reply.status, "CLOSE")


async def _together(work: Callable[[], Coroutine[None, None, None]], times: int, file: OpenFile) -> None:
    """Run ``times`` coroutines of the same work on ``file``, then close it.

    The first error ends them all and is raised as it is.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(times):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        with contextlib.suppress(ClientError):
            await file.close()
        for error in errors.exceptions:
            if isinstance(error, ClientError | WireError | OSError):
                raise error from None
        raise
    await file.close()
