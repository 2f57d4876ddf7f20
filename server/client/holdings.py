"""What this client holds on the server: trees, opens and leases; and how it gets them back in a new session.

Owns the lists. Must not know paths or channels beyond the one that it is told to use. Called by ``tree``,
``surroundings`` and, when a session is lost, by ``keeper``.
"""

from __future__ import annotations

import asyncio

from server.client.channel import Channel
from server.client.errors import StatusError
from server.client.files import OpenFile
from server.client.leases import Leases
from server.client.opening import Opening
from server.client.request import Request, TreeId
from server.client.session import Session
from server.wire.header import Command
from server.wire.tree import ShareFlags, TreeConnectRequest, TreeConnectResponse


class Holdings:
    """``server`` is the name by which trees are asked for."""

    def __init__(self, session: Session, server: str) -> None:
        self._session = session
        self._server = server
        self._trees: list[TreeId] = []
        self._files: dict[OpenFile, None] = {}
        self.leases = Leases(session)

    async def connect(self, share: str) -> TreeId:
        """StatusError: there is no such share, or not for this user."""
        tree = TreeId(share)
        await self._connect(tree, None)
        self._trees.append(tree)
        return tree

    async def _connect(self, tree: TreeId, over: Channel | None) -> None:
        asked = TreeConnectRequest(f"\\\\{self._server}\\{tree.share}")
        reply = await self._session.ask(Request(Command.TREE_CONNECT, lambda: [asked.encode()]), over=over)
        flags = TreeConnectResponse.decode(reply.body).share_flags
        tree.number, tree.encrypted = reply.header.tree_id, bool(flags & ShareFlags.ENCRYPT_DATA)

    async def open(self, tree: TreeId, opening: Opening) -> OpenFile:
        """StatusError: the server will not."""
        file = await OpenFile.open(self._session, tree, opening)
        self._files[file] = None
        return file

    async def close(self, file: OpenFile) -> None:
        """Of one that is lost, nothing is left to close."""
        self._files.pop(file, None)
        if file.lost is None:
            await file.close()

    async def restore(self, over: Channel) -> None:
        """Trees again, then every durable open; what the server refuses is lost, and says so when it is used.

        ChannelLost: ``over`` is gone, and what came of the latest requests is not known.
        """
        for tree in self._trees:
            try:
                await self._connect(tree, over)
            except StatusError:
                tree.number = 0  # The share is no more. Whoever uses it is told so.
        files = [file for file in self._files if file.lost is None]
        await asyncio.gather(*(file.reconnect(over) for file in files))
        for file in files:
            if file.lost is not None:
                self._session.tell("handle-lost", path=file.opening.path, reason=str(file.lost))

    @property
    def lost(self) -> list[str]:
        """The paths of opens that are not closed yet, and are no more."""
        return [file.opening.path for file in self._files if file.lost is not None]
