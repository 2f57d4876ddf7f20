"""One open on the server: its requests, over whichever channels the session has.

Owns the FileId. Must not know channels, nor what is cached of the file. Called by ``tree``.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.client.channel import Channel
from server.client.errors import ClientError, HandleLost, StatusError
from server.client.opening import Opening
from server.client.request import Repeat, Request, TreeId
from server.client.session import Session
from server.wire import create_contexts, filetime
from server.wire.buffers import Buffer
from server.wire.create import Access, Attributes, CreateResponse
from server.wire.directory_infos import DirectoryClass, decode_entries
from server.wire.file_infos import FileClass, NetworkOpenInformation, RenameInformation
from server.wire.header import Command
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.query import InfoType, QueryDirectoryRequest, QueryInfoRequest, QueryResponse
from server.wire.readwrite import (
    CloseRequest,
    FlushRequest,
    ReadRequest,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

_LISTING = 65536
_INFO = 56
_WRITES = Access.WRITE_DATA | Access.APPEND_DATA


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory. ``written`` in ns since 1970."""

    name: str
    size: int
    directory: bool
    written: int


class OpenFile:
    """A file or directory that is open on the server; ``created`` is what the server said of it then."""

    def __init__(self, session: Session, tree: TreeId, opening: Opening, created: CreateResponse) -> None:
        self._session = session
        self._tree = tree
        self.opening = opening
        self.created = created
        self._file_id = created.file_id
        self._durable = create_contexts.find(created.contexts, create_contexts.DURABLE_REQUEST_V2) is not None
        self._locks = 0
        self.lost: HandleLost | None = None
        """Why it is no more; None while it lives."""

    @classmethod
    async def open(cls, session: Session, tree: TreeId, opening: Opening) -> OpenFile:
        """StatusError: the server will not."""
        request = Request(Command.CREATE, lambda: [opening.request().encode()], tree, repeat=Repeat.FLAGGED)
        reply = await session.perform(request)
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, f"CREATE {opening.path}")
        created = CreateResponse.decode(reply.body)
        if opening.lease is not None:
            opening.lease.granted(create_contexts.find(created.contexts, create_contexts.REQUEST_LEASE))
        return cls(session, tree, opening, created)

    async def reconnect(self, over: Channel) -> None:
        """Get it back in a new session, or be ``lost``. ChannelLost: ``over`` is, and so is the answer."""
        name = self.opening.path
        if self.lost is not None:
            return
        if not self._durable:
            self._lose(f"{name}: its session was lost, and it was not durable")
            return
        request = Request(
            Command.CREATE, lambda: [self.opening.reconnect(self._file_id).encode()], self._tree
        )
        reply = await self._session.perform(request, over=over)
        if reply.status is not NTSTATUS.SUCCESS:
            self._lose(f"{name}: its session was lost, and it is not given back: {reply.status.label}")
            return
        created = CreateResponse.decode(reply.body)
        self._file_id = created.file_id
        if self.opening.lease is not None:
            self.opening.lease.granted(create_contexts.find(created.contexts, create_contexts.REQUEST_LEASE))

    def _lose(self, reason: str) -> None:
        self.lost = HandleLost(reason)
        if self.opening.lease is not None:
            self.opening.lease.lost()

    @property
    def id(self) -> bytes:
        """The FileId in the present session. HandleLost: it has none any more."""
        if self.lost is not None:
            raise self.lost
        return self._file_id

    @property
    def writes(self) -> bool:
        """Whether it was opened for that."""
        return bool(self.opening.access & _WRITES)

    @property
    def size(self) -> int:
        """In bytes, at the open."""
        return self.created.end_of_file

    async def write(self, data: Buffer, offset: int) -> None:
        """All of ``data``, which must fit into one request. StatusError: not written."""
        reply = await self._session.ask(self.writing(data, offset))
        count = WriteResponse.decode(reply.body).count
        if count != len(data):
            raise ClientError(f"WRITE: the server took {count} of {len(data)} bytes")

    def writing(self, data: Buffer, offset: int) -> Request:
        """The request that writes ``data``."""
        return Request(
            Command.WRITE,
            lambda: WriteRequest(self.id, data, offset).parts(),
            self._tree,
            payload=len(data),
            size=len(data),
            repeat=Repeat.FLAGGED,
        )

    async def read(self, offset: int, length: int) -> Buffer:
        """Up to ``length`` bytes, fewer at the end, none beyond it."""
        request = Request(
            Command.READ,
            lambda: [ReadRequest(self.id, length, offset).encode()],
            self._tree,
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

    async def lock(self, offset: int, length: int, *, exclusive: bool, wait: bool) -> None:
        """A byte range. StatusError: LOCK_NOT_GRANTED where it is taken, unless that is to be waited for."""
        flags = LockFlags.EXCLUSIVE if exclusive else LockFlags.SHARED
        await self._lock(LockElement(offset, length, flags if wait else flags | LockFlags.FAIL_IMMEDIATELY))

    async def unlock(self, offset: int, length: int) -> None:
        """StatusError: RANGE_NOT_LOCKED."""
        await self._lock(LockElement(offset, length, LockFlags.UNLOCK))

    async def _lock(self, element: LockElement) -> None:
        """Numbered, so that a repeated one is not done twice (3.2.4.19): 64 at a time, each with 16 numbers."""
        self._locks += 1
        sequence = (self._locks % 64 + 1) << 4 | self._locks // 64 % 16
        await self._session.ask(
            Request(Command.LOCK, lambda: [LockRequest(self.id, (element,), sequence).encode()], self._tree)
        )

    async def info(self) -> NetworkOpenInformation:
        """Times, sizes and attributes as they are now."""
        request = Request(
            Command.QUERY_INFO,
            lambda: [QueryInfoRequest(self.id, InfoType.FILE, FileClass.NETWORK_OPEN, _INFO).encode()],
            self._tree,
        )
        reply = await self._session.ask(request)
        return NetworkOpenInformation.decode(QueryResponse.decode(reply.body).data)

    async def rename(self, target: str) -> None:
        """Give it another name in the share, one that is free. StatusError: the server will not."""
        await self._set(FileClass.RENAME, RenameInformation(target.replace("/", "\\").strip("\\")).encode())

    async def delete(self) -> None:
        """Have it deleted when it is closed. StatusError: the server will not, as with a directory in use."""
        await self._set(FileClass.DISPOSITION, b"\1")

    async def _set(self, kind: FileClass, data: bytes) -> None:
        request = Request(
            Command.SET_INFO,
            lambda: [SetInfoRequest(self.id, InfoType.FILE, kind, data).encode()],
            self._tree,
            repeat=Repeat.FLAGGED,
        )
        await self._session.ask(request)

    async def flush(self) -> None:
        """What was written is on the server's disk."""
        await self._session.ask(Request(Command.FLUSH, lambda: [FlushRequest(self.id).encode()], self._tree))

    async def entries(self) -> list[Entry]:
        """What is in this directory, in the server's order."""
        found: list[Entry] = []
        request = Request(
            Command.QUERY_DIRECTORY,
            lambda: [QueryDirectoryRequest(self.id, DirectoryClass.ID_BOTH, output_length=_LISTING).encode()],
            self._tree,
            payload=_LISTING,
            repeat=Repeat.NEVER,  # Twice would skip a part of the directory.
        )
        while True:
            reply = await self._session.perform(request)
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
        reply = await self._session.perform(
            Request(Command.CLOSE, lambda: [CloseRequest(self.id).encode()], self._tree)
        )
        if reply.status not in (NTSTATUS.SUCCESS, NTSTATUS.FILE_CLOSED):
            raise StatusError(reply.status, "CLOSE")
