"""Files that are kept here as long as their leases allow it, as their users see them.

Owns the table of nodes by share and path. Called by ``client``.
"""

from __future__ import annotations

from server.client.files import OpenFile
from server.client.holdings import Holdings
from server.client.lease import Caching, Lease
from server.client.node import Node
from server.client.options import Options
from server.client.request import TreeId
from server.client.session import Session
from server.wire.buffers import Buffer
from server.wire.create import Disposition
from server.wire.file_infos import NetworkOpenInformation

_PIECE = 4 << 20


class CachedFile:
    """A file that is open for one user, of the opens and the contents that ``node`` has for all of them."""

    def __init__(self, node: Node, file: OpenFile) -> None:
        self._node = node
        self.file = file
        self.hits = 0
        """How often the server needed not be asked."""

    @property
    def lease(self) -> Lease:
        return self._node.lease

    async def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes, fewer at the end."""
        parts: list[bytes] = []
        while length > 0:
            data, known = await self._node.read(self.file, offset, min(length, _PIECE))
            self.hits += known
            parts.append(data)
            offset, length = offset + len(data), length - len(data) if data else 0
        return b"".join(parts)

    async def write(self, data: Buffer, offset: int) -> None:
        """Written or kept; ``flush`` and ``close`` tell of what was kept and could not be written."""
        self.hits += await self._node.write(self.file, data, offset)

    async def info(self) -> NetworkOpenInformation:
        """Times as FILETIME, sizes in bytes."""
        info, known = await self._node.info(self.file)
        self.hits += known
        return info

    async def lock(self, offset: int, length: int, *, exclusive: bool = True, wait: bool = False) -> None:
        """A byte range. StatusError: LOCK_NOT_GRANTED where it is taken, unless that is to be waited for."""
        await self._node.flush()
        await self.file.lock(offset, length, exclusive=exclusive, wait=wait)

    async def unlock(self, offset: int, length: int) -> None:
        """The same range once more. StatusError: RANGE_NOT_LOCKED."""
        await self._node.flush()
        await self.file.unlock(offset, length)

    async def flush(self) -> None:
        """What was written is on the server's disk."""
        await self._node.flush()
        await self.file.flush()

    async def close(self) -> None:
        """ClientError: something that was written before did not arrive."""
        await self._node.release()


def _key(tree: TreeId, path: str) -> tuple[TreeId, str]:
    return tree, path.replace("/", "\\").strip("\\")


class Cache:
    """The nodes of one client, by share and path."""

    def __init__(self, session: Session, options: Options, holdings: Holdings) -> None:
        self._session = session
        self._options = options
        self._holdings = holdings
        self._nodes: dict[tuple[TreeId, str], Node] = {}

    async def open(
        self, tree: TreeId, path: str, access: int, disposition: Disposition, wanted: Caching
    ) -> CachedFile:
        """StatusError: the server will not."""
        wanted = wanted if self._session.leasing else Caching.NONE
        key = _key(tree, path)
        node = self._nodes.get(key) if wanted else None
        if node is None:
            node = Node(self._session, self._options, self._holdings, tree, key[1], wanted)
            if wanted:  # Of what may not be kept, nothing is shared either.
                self._nodes[key] = node
                node.on_end = lambda: self._forget(key, node)
        return CachedFile(node, await node.open(access, disposition))

    async def let_go(self, tree: TreeId, path: str) -> None:
        """Close on the server what is kept open of ``path`` without being used."""
        node = self._nodes.get(_key(tree, path))
        if node is not None:
            await node.let_go()

    def _forget(self, key: tuple[TreeId, str], node: Node) -> None:
        if self._nodes.get(key) is node:
            del self._nodes[key]

    async def flush(self) -> None:
        """The server has what was written. ClientError: of some of it, it has not, and never will."""
        for node in list(self._nodes.values()):
            await node.flush()

    async def close(self) -> None:
        """No more waiting for what could be used again."""
        for node in list(self._nodes.values()):
            await node.give_up()
        self._nodes.clear()
