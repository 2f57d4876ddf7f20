"""The other nodes of a cluster: a client is at one of them at a time.

Owns the TCP conversation between acceptors: a challenge, `connection_drop`, and its answer, both with a MAC. Nothing
is kept of who is where: who gets a client that it does not know asks all others to let go of it, and waits until they
have. So no node has an entry that could be stale, and of one that is dead nothing is left. Of two that want the same
client at once, the one where it arrived later gets it. Called by the acceptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.config import ClusterConfig, NodeConfig
from server.listening import listener
from server.log import Log
from server.passing.messages import ConnectionDrop, ConnectionDropped, ConnectionRefused, decode, encode

_NONCE = 16
_NO = b"no\n"
"""To who does not know the secret. Only of a node that says nothing it may be thought that it is dead."""
_LINE = 4096
_LETTING_GO = 10.0
"""Seconds in which a node that lives has to end what it has of a client."""
_MOST = 64
"""Conversations that others have begun, at one time."""


@dataclass(slots=True, eq=False)
class Claim:
    """A client that is about to be this node's. `lost`: another node's claim is younger."""

    stamp: tuple[int, str]
    lost: bool = False


class Nodes:
    """`let_go(guid, node)` ends all that is here of a client which is at `node` now; after it not a byte of its
    requests is written any more.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        patience: float,
        let_go: Callable[[uuid.UUID, str], Awaitable[None]],
        log: Log,
    ) -> None:
        self._secret = config.secret.encode()
        self._own = config.own
        self._others = [node for node in config.nodes if node.name != config.node]
        self._patience = patience
        self._let_go = let_go
        self._log = log
        self._claims: dict[uuid.UUID, list[Claim]] = {}
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Be there for the others. OSError: cannot listen."""
        self._listener = listener(self._own.address, self._own.port)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept, self._listener)

    async def close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def claiming(self, guid: uuid.UUID, arrived: int) -> AsyncIterator[Claim]:
        """No other node has that client any more, unless the claim is `lost`, which it may still become as long as
        the block lasts. `arrived` in ns since 1970.
        """
        claim = Claim((arrived, self._own.name))
        self._claims.setdefault(guid, []).append(claim)
        try:
            answers = await asyncio.gather(*(self._ask(node, guid, arrived) for node in self._others))
            claim.lost |= not all(answers)
            yield claim
        finally:
            self._claims[guid].remove(claim)
            if not self._claims[guid]:
                del self._claims[guid]

    async def _ask(self, node: NodeConfig, guid: uuid.UUID, arrived: int) -> bool:
        """Whether that node has let go of the client. One that cannot be reached, or that dies on the way, has; one
        that lives and does not say so has not.
        """
        log = self._log.bind(node=node.name)
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await asyncio.open_connection(node.address, node.port, limit=_LINE)
                nonce = await _line(reader)
        except OSError as error:  # TimeoutError is one
            log.warning("a node is taken for dead", error=error.strerror or "no answer")
            return True
        with contextlib.closing(writer):
            try:
                message = encode(ConnectionDrop(guid, arrived, self._own.name)).strip()
                writer.write(self._sealed(b"ask", nonce, message))
                async with asyncio.timeout(_LETTING_GO):
                    answer = decode(self._opened(b"answer" + message, nonce, await _line(reader)))
            except (TimeoutError, ValueError) as error:
                log.warning(
                    "a node does not let go of a client", client_guid=guid, error=str(error) or "no answer"
                )
                return False
            except OSError as error:
                log.warning("a node has died", error=error)
                return True
        return isinstance(answer, ConnectionDropped)

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock, _ = listening.accept()
            if len(self._tasks) >= _MOST:
                sock.close()
                return
            task = asyncio.get_running_loop().create_task(self._asked(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _asked(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock, limit=_LINE)
        with contextlib.closing(writer):
            try:
                nonce = os.urandom(_NONCE).hex().encode()
                writer.write(nonce + b"\n")
                async with asyncio.timeout(self._patience):
                    asked = self._opened(b"ask", nonce, await _line(reader))
                message = decode(asked)
                if not isinstance(message, ConnectionDrop):
                    raise ValueError("nothing that a node asks")
                gone = await self._dropped(message)
                answer = (
                    ConnectionDropped(message.client_guid) if gone else ConnectionRefused("", os.getpid())
                )
                writer.write(self._sealed(b"answer" + asked, nonce, encode(answer).strip()))
                await writer.drain()
            except (OSError, ValueError) as error:
                self._log.warning("no word of a node", error=error)
                writer.write(_NO)

    async def _dropped(self, message: ConnectionDrop) -> bool:
        guid, stamp = message.client_guid, (message.initial_connect_time, message.node)
        for claim in self._claims.get(guid, ()):
            if claim.stamp > stamp:
                return False
            claim.lost = True
        await self._let_go(guid, message.node)
        return True

    def _sealed(self, purpose: bytes, nonce: bytes, message: bytes) -> bytes:
        return self._mac(purpose, nonce, message) + b" " + message + b"\n"

    def _opened(self, purpose: bytes, nonce: bytes, line: bytes) -> bytes:
        """ValueError: not of a node of this cluster."""
        mac, _, message = line.strip().partition(b" ")
        if not hmac.compare_digest(mac, self._mac(purpose, nonce, message)):
            raise ValueError("a message with a wrong MAC, or none")
        return message

    def _mac(self, purpose: bytes, nonce: bytes, message: bytes) -> bytes:
        digest = hmac.new(self._secret, b"\0".join((purpose, nonce, message)), hashlib.sha256)
        return digest.hexdigest().encode()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """OSError: there is none to come. ValueError: it has no end."""
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the end of the conversation")
    return line.strip()
