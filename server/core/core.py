"""All state of one worker process: shares, clients, sessions (MS-SMB2 3.3.1.5), and the end of each of them.
 Owns the tables and what must happen when a channel, a session or a connection goes. Judges no request.
Called by the worker (connections come and go), the dispatcher and the commands.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server.config import ServerConfig, ShareConfig
from server.core.client import Client
from server.core.connection import Connection, Wire
from server.core.errors import StatusError
from server.core.objects import FileObjects
from server.core.opens import Open
from server.core.session import Session, SessionState, Share
from server.core.window import SequenceWindow
from server.events import Events
from server.ports.files import Files
from server.ports.interfaces import Interfaces
from server.wire.filetime import from_unix_ns
from server.wire.status import NTSTATUS

IPC = "IPC$"
_UNSET = (0, 0xFFFF_FFFF_FFFF_FFFF)


@dataclass(slots=True, eq=False)
class Core:
    """`entropy(n)` gives n random bytes, `clock()` the time in ns since 1970: passed in, so that a run can be
    repeated.

    `identity` is the process id that events carry.
    """

    config: ServerConfig
    files: Files
    interfaces: Interfaces
    events: Events
    identity: int
    entropy: Callable[[int], bytes]
    clock: Callable[[], int]
    users: dict[str, bytes] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    clients: dict[uuid.UUID, Client] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    objects: FileObjects = field(default_factory=FileObjects)
    opens: dict[int, Open] = field(default_factory=dict)
    last_file_id: int = 0

    def __post_init__(self) -> None:
        self.users.update((user.name, bytes.fromhex(user.nt_hash)) for user in self.config.users)
        self.shares[IPC.casefold()] = Share(ShareConfig(IPC, ""), None)

    @property
    def server_guid(self) -> uuid.UUID:
        return uuid.UUID(self.config.guid)

    def filetime(self) -> int:
        return from_unix_ns(self.clock())

    def share(self, name: str) -> Share:
        """Opened when first asked for. StatusError BAD_NETWORK_NAME: none of that name, or its directory is
        gone.
        """
        found = self.shares.get(name.casefold())
        if found is not None:
            return found
        for config in self.config.shares:
            if config.name.casefold() == name.casefold():
                try:
                    share = Share(config, self.files.volume(Path(config.path)))
                except OSError as error:
                    raise StatusError(NTSTATUS.BAD_NETWORK_NAME, str(error)) from error
                self.shares[name.casefold()] = share
                return share
        raise StatusError(NTSTATUS.BAD_NETWORK_NAME, name)

    def connected(self, name: str, wire: Wire, local: str, remote: str) -> Connection:
        return Connection(name, wire, local, remote, SequenceWindow(self.config.limits.max_credits))

    def new_session(self, connection: Connection) -> Session:
        """In the tables, IN_PROGRESS. StatusError: too many sessions."""
        if len(self.sessions) >= self.config.limits.max_sessions:
            raise StatusError(NTSTATUS.INSUFFICIENT_RESOURCES, "sessions")
        number = 0
        while number in _UNSET or number in self.sessions:
            number = int.from_bytes(self.entropy(8), "little")
        session = Session(number, connection)
        self.sessions[number] = session
        connection.sessions[number] = session
        return session

    def new_file_ids(self) -> tuple[int, int]:
        """(persistent, volatile). The persistent half is unique in the whole server, but for chance."""
        if len(self.opens) >= self.config.limits.max_opens:
            raise StatusError(NTSTATUS.INSUFFICIENT_RESOURCES, "opens")
        self.last_file_id += 1
        return int.from_bytes(self.entropy(8), "little") >> 1, self.last_file_id

    def close_open(self, opened: Open) -> None:
        """StatusError: closed, but what should have been deleted was not."""
        self.opens.pop(opened.volatile, None)
        opened.close(self.objects)

    def end_session(self, session: Session) -> None:
        """Log-off, a failed re-authentication, or the last channel gone: opens, trees and channels go with
        it.
        """
        if self.sessions.pop(session.id, None) is None:
            return
        was_valid = session.state is not SessionState.IN_PROGRESS
        for opened in list(session.opens.values()):
            try:
                self.close_open(opened)
            except StatusError:
                continue  # nobody is left to be told
        session.trees.clear()
        session.connection.forget(session.id, None)
        for channel in session.channels.values():
            channel.connection.forget(session.id, channel.signer if session.signer else None)
        session.channels.clear()
        session.state = SessionState.EXPIRED
        if was_valid:
            self.events.emit("session-closed", session_id=session.name, pid=self.identity)

    def lost(self, connection: Connection) -> None:
        """The connection is gone (3.3.7.1): its requests are dropped, sessions live on if they have other
        channels.
        """
        connection.closing = True
        for request in connection.requests.values():
            request.dropped = True
        connection.setups.clear()
        for session in list(connection.sessions.values()):
            session.channels.pop(connection.name, None)
            if session.channels:
                if session.connection is connection:
                    session.connection = next(iter(session.channels.values())).connection
            else:
                self.end_session(session)
        connection.sessions.clear()
        client = connection.client
        if client is not None:
            client.connections.pop(connection.name, None)
            if not client.connections:
                self.clients.pop(client.guid, None)
