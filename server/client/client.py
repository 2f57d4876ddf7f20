"""The client as one object: log in, have channels, copy files, log off.

Owns the parts and their lives. Must not know what they do. Called by the command line and by the actor; this
is the API for programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from server.client.cached import Cache, CachedFile
from server.client.channel import Channel
from server.client.copying import Copied, Progress
from server.client.copying import nobody as no_progress
from server.client.dialer import Dialer
from server.client.errors import ClientError, SessionLost
from server.client.events import Observer, nobody
from server.client.files import Entry
from server.client.handshake import Established
from server.client.holdings import Holdings
from server.client.keeper import Keeper
from server.client.lease import Caching
from server.client.local import KernelInterfaces, LocalInterfaces
from server.client.options import Options
from server.client.policy import Address, Path
from server.client.session import Session
from server.client.tree import Tree
from server.ports.sockets import SocketQueries
from server.posix.sockets import PosixSocketQueries
from server.wire.buffers import Buffer
from server.wire.create import FILE_GENERIC_READ, Disposition
from server.wire.ioctl import NetworkInterface

_log = logging.getLogger(__name__)
_FIRST_CONNECT = 10.0
_GOODBYE = 2.0


class Client:
    """One session with one server. ``async with`` logs off and closes all channels at the end.

    ``observer`` is told of events (``events.CATALOGUE``). ``interfaces`` and ``queries`` default to the
    running kernel's. All methods raise ClientError: StatusError where the server refused, SessionLost where
    the session is no more.
    """

    def __init__(
        self,
        options: Options,
        *,
        observer: Observer = nobody,
        interfaces: LocalInterfaces | None = None,
        queries: SocketQueries | None = None,
    ) -> None:
        self.options = options
        self._dialer = Dialer(options, lambda channel: self._session.changed(channel))
        self._session = Session(observer, self._dialer.credentials, options.scheduling)
        self._holdings = Holdings(self._session, options.server)
        self._cache = Cache(self._session, options, self._holdings)
        self._interfaces = interfaces or KernelInterfaces()
        self._queries = queries or PosixSocketQueries()
        self._keeper: Keeper | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._trees: dict[str, Tree] = {}
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None and self._session.lost is None:
            with contextlib.suppress(ClientError, TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await self.logoff()
        await self.close()

    async def login(self) -> Established:
        """Connect to the first of the server's addresses that answers, and log in there.

        OSError: none does. StatusError: not with this user and password. ChannelLost: it is to be encrypted, and the
        server cannot.
        """
        if self._keeper is not None:
            raise ClientError("already logged in")
        failure: OSError | None = None
        for address in await self._resolve():
            try:
                async with asyncio.timeout(_FIRST_CONNECT):
                    channel = await self._dialer.dial(Path(address), None)
            except OSError as error:
                failure = error if str(error) else TimeoutError(f"no answer from {address}")
                continue
            self._begin(channel)
            return channel.established
        raise failure or OSError(f"{self.options.server} has no address")

    def _begin(self, channel: Channel) -> None:
        session = self._session
        session.begin(channel, self.options.user, encrypt=self.options.encrypt)
        keeper = Keeper(session, self._holdings, self._dialer, self.options, self._interfaces, self._queries)
        keeper.adopt(channel)
        self._keeper = keeper
        self._spawn(keeper.run(), "the keeper of the channels")
        if channel.established.multichannel:
            self._spawn(keeper.surroundings.poll(), "the poll for interfaces")

    def _spawn(self, work: object, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)  # type: ignore[arg-type]
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part that fails takes the session with it: better than one that nobody watches."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)
            self._session.end(f"{task.get_name()} failed: {error!r}")

    async def _resolve(self) -> list[Address]:
        with contextlib.suppress(ValueError):
            return [ip_address(self.options.server)]
        found = await asyncio.get_running_loop().getaddrinfo(
            self.options.server, self.options.port, type=socket.SOCK_STREAM
        )
        return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))

    @property
    def session(self) -> Session:
        return self._session

    @property
    def channels(self) -> list[Channel]:
        """Those that carry the session now, the oldest first."""
        return list(self._session.channels)

    async def interfaces(self) -> tuple[NetworkInterface, ...]:
        """What the server says of its interfaces now."""
        return await self._kept.surroundings.query()

    async def connect_channels(self, channels: int | None = None) -> list[Channel]:
        """Have so many channels over the best paths (None: as many as the policy says), from now on.

        Returns those that there are, which may be fewer: the others are tried as long as the session lives.
        """
        if not self._session.terms.multichannel:
            return self.channels
        if not self._kept.surroundings.remote:
            await self.interfaces()
        await self._kept.want(self.options.channels if channels is None else channels)
        self._session.check()
        return self.channels

    async def tree(self, share: str) -> Tree:
        """The share, connected once."""
        async with self._connecting:
            if share not in self._trees:
                self._trees[share] = await Tree.connect(self._session, self.options, self._holdings, share)
        return self._trees[share]

    async def open(
        self,
        share: str,
        path: str,
        *,
        access: int = FILE_GENERIC_READ,
        disposition: Disposition = Disposition.OPEN,
        caching: Caching = Caching.R | Caching.W | Caching.H,
    ) -> CachedFile:
        """Open a file, shared with everybody, and keep of it what the server allows. StatusError: it will not."""
        tree = await self.tree(share)
        return await self._cache.open(tree.id, path, access, disposition, caching)

    async def listdir(self, share: str, path: str = "") -> list[Entry]:
        return await (await self.tree(share)).listdir(path)

    async def mkdir(self, share: str, path: str) -> None:
        await (await self.tree(share)).mkdir(path)

    async def remove(self, share: str, path: str) -> None:
        """Delete a file, or a directory that is empty."""
        tree = await self.tree(share)
        await self._cache.let_go(tree.id, path)
        await tree.remove(path)

    async def rename(self, share: str, path: str, target: str) -> None:
        """Give a file or a directory another name in the share, one that is free."""
        tree = await self.tree(share)
        await self._cache.let_go(tree.id, path)
        await tree.rename(path, target)

    async def put(
        self, share: str, path: str, chunks: Iterable[Buffer], total: int, progress: Progress = no_progress
    ) -> Copied:
        """Write a file; see ``Tree.put``."""
        return await (await self.tree(share)).put(path, chunks, total, progress)

    async def get(
        self, share: str, path: str, sink: Callable[[Buffer], object], progress: Progress = no_progress
    ) -> Copied:
        """Read a file; see ``Tree.get``."""
        return await (await self.tree(share)).get(path, sink, progress)

    async def logoff(self) -> None:
        """End the session on the server; every channel with it. What was kept back is written first."""
        await self._cache.flush()
        await self._session.logoff()
        await self.close()

    async def close(self) -> None:
        """Stop at once, without a word to the server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._cache.close()
        await self._holdings.leases.close()
        self._session.close("the client ended")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self._session.wait_closed()

    @property
    def _kept(self) -> Keeper:
        self._session.check()
        if self._keeper is None:
            raise SessionLost("not logged in")
        return self._keeper
