"""Hand-over at session setup: a connection goes to the worker that has the session which it asks for.

Owns the question whose a SESSION_SETUP is, and the way of the connection there. A client's sessions are all in one
worker, as its leases are: a new one goes where the client's others are, by the table `clients`. Used by the worker
where connections are not handed over at Negotiate.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from server.core import portable
from server.core.connection import NOBODY, Connection
from server.core.shared import logons
from server.passing import records
from server.passing.messages import ConnectionPassed, ConnectionRefused, SessionPass, encode
from server.passing.post import Post
from server.passing.records import ClientRecord
from server.ports.processes import Peers
from server.ports.store import Store
from server.stream import Stream
from server.wire.errors import WireError
from server.wire.header import MAGIC, Command, Header


@dataclass(frozen=True, slots=True)
class Owner:
    """`record`: what says so; None where it is the session's."""

    address: str
    pid: int
    session_id: int
    record: ClientRecord | None


class Handing:
    """`claimed(guid, record)`: this worker owns a client from now on."""

    def __init__(
        self,
        store: Store,
        post: Post,
        peers: Peers,
        clock: Callable[[], int],
        claimed: Callable[[uuid.UUID, ClientRecord], None],
    ) -> None:
        self._store = store
        self._post = post
        self._peers = peers
        self._clock = clock
        self._claimed = claimed
        self._asked: dict[str, asyncio.Future[bool]] = {}

    def elsewhere(self, connection: Connection, pdu: bytes | bytearray) -> Owner | None:
        """Another worker that this message, and with it the connection, belongs to. None: it is to be judged here."""
        if connection.client_guid == NOBODY or connection.sessions or connection.setups or connection.closing:
            return None
        if bytes(pdu[:4]) != MAGIC:
            return None
        try:
            header = Header.decode(pdu)
        except WireError:
            return None
        if header.command is not Command.SESSION_SETUP:
            return None
        if header.session_id:
            return self._of_session(connection, header.session_id)
        return self._of_client(connection)

    def _of_session(self, connection: Connection, session_id: int) -> Owner | None:
        logon = logons.find(self._store, session_id)
        if logon is None or logon.client != str(connection.client_guid):
            return None  # it is refused, wherever it is asked
        if logon.address == self._post.address or not self._peers.alive(logon.pid):
            return None
        return Owner(logon.address, logon.pid, session_id, None)

    def _of_client(self, connection: Connection) -> Owner | None:
        guid = connection.client_guid
        wanted = ClientRecord(self._post.address, self._peers.identity(), self._clock())
        while True:
            record, new = records.claim(self._store, guid, wanted)
            if new:
                self._claimed(guid, record)
            if record.address == self._post.address:
                return None
            if self._peers.alive(record.pid):
                return Owner(record.address, record.pid, 0, record)
            records.release(self._store, guid, record)

    async def hand_over(
        self, owner: Owner, connection: Connection, stream: Stream, pdu: bytes | bytearray, patience: float
    ) -> bool | None:
        """Until a worker has taken it: True; the stream, which is held, is then detached. False: it is to be judged
        here after all. None: no answer in time.
        """
        found: Owner | None = owner
        refused = False
        while found is not None and not (refused and found.session_id):
            taken = await self._pass(found, connection, stream, pdu, patience)
            if taken is not False:
                return taken
            refused = True  # by one that is gone, or that ended the session meanwhile
            if found.record is not None:
                records.release(self._store, connection.client_guid, found.record)
            found = self.elsewhere(connection, pdu)
        return False

    async def _pass(
        self, owner: Owner, connection: Connection, stream: Stream, pdu: bytes | bytearray, patience: float
    ) -> bool | None:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[connection.name] = answer
        gone = asyncio.get_running_loop().create_task(self._peers.gone(owner.pid))
        message = SessionPass(
            connection=connection.name,
            client_guid=connection.client_guid,
            session_id=owner.session_id,
            reply_to=self._post.address,
            from_pid=self._peers.identity(),
            state=portable.pack(connection),
            request=bytes(pdu),
            unread=stream.unread,
        )
        try:
            try:
                await self._post.send(owner.address, encode(message), [stream.socket.fileno()])
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            await asyncio.wait((answer, gone), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            self._post.drain()  # it may have confirmed before it went
            if answer.done():
                return answer.result()
            return False if gone.done() else None
        finally:
            gone.cancel()
            del self._asked[connection.name]

    def answered(self, message: ConnectionPassed | ConnectionRefused) -> None:
        """What the owner says."""
        answer = self._asked.get(message.connection)
        if answer is not None and not answer.done():
            answer.set_result(isinstance(message, ConnectionPassed))
