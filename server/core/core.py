"""All state of one worker process: shares, clients, sessions (MS-SMB2 3.3.1.5), and the end of each of them.
 Owns the tables and what must happen when a channel, a session or a connection goes. Judges no request.
Called by the worker (connections come and go), the dispatcher and the commands.
"""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import iter_unpack

from server.config import ServerConfig
from server.core.breaks import Breaks
from server.core.client import Client
from server.core.connection import Connection, Wire
from server.core.errors import StatusError, status_of
from server.core.notify import Watches
from server.core.opens import Open
from server.core.session import Session, SessionState, Tree
from server.core.shared import applications, logons, reclaim, rules
from server.core.shared.notices import (
    BreakWanted,
    Couriers,
    Displaced,
    Doomed,
    EntryChanged,
    FileChanged,
    Moved,
    Notice,
    Orphaned,
    SessionOver,
    SessionReplaced,
)
from server.core.shared.records import FileKey
from server.core.shared.table import FileTable, Outcome
from server.core.shares import Shares
from server.core.waiting import Waiting
from server.core.window import SequenceWindow
from server.events import Events
from server.ports.files import FilePath, Files
from server.ports.interfaces import Interfaces
from server.ports.store import Store
from server.wire.filetime import from_unix_ns
from server.wire.header import Command
from server.wire.status import NTSTATUS

_CHANGE_NOTIFY = Command.CHANGE_NOTIFY
_DRAWN = 512
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
    store: Store
    couriers: Couriers
    events: Events
    identity: int
    entropy: Callable[[int], bytes]
    clock: Callable[[], int]
    users: dict[str, bytes] = field(default_factory=dict)
    clients: dict[uuid.UUID, Client] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    opens: dict[int, Open] = field(default_factory=dict)
    by_id: dict[int, Open] = field(default_factory=dict)
    """The opens by the persistent half of their FileId, which is what the store knows them by."""
    creates: dict[uuid.UUID, Open | None] = field(default_factory=dict)
    """By CreateGuid; None while the CREATE is still under way."""
    waiting: Waiting = field(default_factory=Waiting)
    table: FileTable = field(init=False)
    breaks: Breaks = field(init=False)
    watches: Watches = field(init=False)
    shares: Shares = field(init=False)
    last_file_id: int = 0
    _numbers: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = _random_numbers(self.entropy)
        self.shares = Shares(self.config, self.files)
        self.table = FileTable(
            self.store, self.couriers.address, self.couriers.alive, self.clock, self.shares.delete
        )
        self.breaks = Breaks(self)
        self.watches = Watches(self.store, self.couriers, self._touched)
        self._learn_users()

    def configure(self, config: ServerConfig) -> None:
        """From now on. What is open stays as it is."""
        self.config = config
        self.shares.configure(config)
        self._learn_users()

    def _learn_users(self) -> None:
        self.users.clear()
        self.users.update((user.name, bytes.fromhex(user.nt_hash)) for user in self.config.users)

    @property
    def server_guid(self) -> uuid.UUID:
        return uuid.UUID(self.config.guid)

    def filetime(self) -> int:
        return from_unix_ns(self.clock())

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
        return next(self._numbers), self.last_file_id

    def noticed(self, notice: Notice) -> None:
        """Another worker, or this one, has told something."""
        if isinstance(notice, FileChanged):
            self.waiting.wake(notice.key)
        elif isinstance(notice, BreakWanted):
            self.breaks.wanted(notice)
        elif isinstance(notice, EntryChanged):
            self.watches.changed(notice)
        elif isinstance(notice, Doomed):
            for opened in self.opens.values():
                if opened.key == notice.key and opened.watch is not None:
                    interrupt_watchers(opened, NTSTATUS.DELETE_PENDING)
        elif isinstance(notice, Displaced):
            self._displaced(notice)
        elif isinstance(notice, SessionReplaced):
            self._replaced(notice)
        elif isinstance(notice, SessionOver):
            self.waiting.wake(notice.session_id)
        elif isinstance(notice, Moved):
            for opened in self.opens.values():
                if opened.key == notice.key and opened.tree.share.config.name == notice.share:
                    opened.path = notice.path

    def _displaced(self, notice: Displaced) -> None:
        opened = self.by_id.get(notice.number)
        if opened is not None and opened.key == notice.key:
            with contextlib.suppress(StatusError):  # nobody is left to be told
                self.close_open(opened)

    def _replaced(self, notice: SessionReplaced) -> None:
        session = self.sessions.get(notice.session_id)
        if (
            session is not None
            and session.user == notice.user
            and session.state is not SessionState.IN_PROGRESS
        ):
            self.end_session(session, lost=True)
        self.couriers.tell(notice.asker, SessionOver(notice.session_id))

    def wake(self, address: str, key: FileKey) -> None:
        self.couriers.tell(address, FileChanged(key))

    def spread(self, key: FileKey, outcome: Outcome) -> None:
        """Tell whoever has to know of it."""
        for address in outcome.wake:
            self.wake(address, key)
        for owner, wanted in outcome.breaks:
            notice = BreakWanted(key, wanted.holder, wanted.to)
            if owner == self.couriers.address:
                self.breaks.wanted(notice)  # at once: before whatever is answered next
            else:
                self.couriers.tell(owner, notice)

    def changing(self, opened: Open) -> None:
        """The data of the file is about to change by this open: nobody else may go on with what was read before."""
        self.spread(
            opened.key,
            self.table.wanting(opened.key, lambda file: rules.breaks_of_change(file, opened.holder)),
        )

    def doomed(self, key: FileKey) -> None:
        """The file is to go with its last open."""
        owners = [opened.owner for opened in self.table.look(key).opens.values() if opened.owner]
        for owner in dict.fromkeys(owners):
            self.couriers.tell(owner, Doomed(key))

    def _touched(self, share: str, directory: FilePath, by: Open) -> None:
        """The entries of a directory have changed: who caches them has to know."""
        volume = self.shares.find(share).volume
        if volume is None or not self.table.leased_directories():
            return
        with contextlib.suppress(OSError):  # it is gone, and its leases with it
            stat, _ = volume.stat(directory)
            key = stat.device, stat.inode
            self.spread(key, self.table.wanting(key, lambda file: rules.breaks_of_entries(file, by.parent)))

    def register(self, opened: Open) -> None:
        self.opens[opened.volatile] = opened
        self.by_id[opened.persistent] = opened
        opened.session.opens[opened.volatile] = opened
        if opened.create_guid is not None:
            self.creates[opened.create_guid] = opened

    def close_open(
        self, opened: Open, *, keep: bool = False, status: NTSTATUS = NTSTATUS.RANGE_NOT_LOCKED
    ) -> None:
        """Its connection is lost if `keep`: then a durable one stays in the store. Its waiting requests end,
        locks with `status`. StatusError: closed, but what should have been deleted was not.
        """
        if opened.closed:
            return
        self.opens.pop(opened.volatile, None)
        self.by_id.pop(opened.persistent, None)
        if opened.create_guid is not None and self.creates.get(opened.create_guid) is opened:
            del self.creates[opened.create_guid]
        if opened.application is not None and not keep:
            applications.leave(self.table, opened.application, opened.persistent)
        if opened.watch is not None:
            self.watches.remove(opened)
        if opened.written:
            self._touched(opened.tree.share.config.name, opened.path[:-1], opened)
        for request in opened.users:
            watches = request.header.command is _CHANGE_NOTIFY
            request.interrupt(NTSTATUS.NOTIFY_CLEANUP if watches else status)
        if opened.base is not None:
            self._leave_base(opened, opened.base)
        if keep:
            outcome = reclaim.release(
                self.table, opened.key, opened.persistent, opened.position, opened.reserved
            )
            if outcome.expires:
                self.couriers.tell(self.couriers.home, Orphaned(outcome.expires))
        else:
            outcome = self.table.close(opened.key, opened.persistent, lambda path: self._unlink(opened, path))
        opened.close()
        if outcome.breaks or outcome.wake:
            self.spread(opened.key, outcome)
        if outcome.doomed:
            self.doomed(opened.key)
        if outcome.deleted and outcome.removed is not None:
            self.watches.deleted(opened, outcome.removed.path)
        if outcome.failure is not None and outcome.failure.errno != errno.ENOTEMPTY:
            # A directory that has entries simply stays (MS-FSA 2.1.5.4): who wanted to know has asked before.
            raise StatusError(status_of(outcome.failure), "deletion at close")

    def _leave_base(self, opened: Open, base: FileKey) -> None:
        """The file may have waited for its stream to be closed, to be deleted."""
        outcome = self.table.close(base, opened.persistent, lambda path: self._unlink(opened, path))
        self.spread(base, outcome)
        if outcome.deleted and outcome.removed is not None:
            self.watches.deleted(opened, outcome.removed.path)

    def _unlink(self, opened: Open, path: FilePath) -> None:
        volume = opened.tree.share.volume
        if volume is not None:
            volume.remove(opened.handle, path)

    def interrupt(self) -> None:
        """The server ends: whatever waits for somebody else is answered now."""
        for session in self.sessions.values():
            for channel in session.channels.values():
                for request in list(channel.connection.requests.values()):
                    watches = request.header.command is Command.CHANGE_NOTIFY
                    request.interrupt(NTSTATUS.NOTIFY_CLEANUP if watches else NTSTATUS.SERVER_UNAVAILABLE)

    def end_session(self, session: Session, *, lost: bool = False) -> None:
        """Log-off, a failed re-authentication, or (`lost`) the last channel gone: opens, trees and channels go with
        it; when it was lost, durable opens wait for their client.
        """
        if self.sessions.pop(session.id, None) is None:
            return
        interrupt_creates(session, None)
        was_valid = session.state is not SessionState.IN_PROGRESS
        for opened in list(session.opens.values()):
            try:
                self.close_open(opened, keep=lost)
            except StatusError:
                continue  # nobody is left to be told
        session.trees.clear()
        session.connection.forget(session.id, None)
        for channel in session.channels.values():
            channel.connection.forget(session.id, channel.signer if session.signer else None)
        session.channels.clear()
        session.state = SessionState.EXPIRED
        if was_valid:
            logons.leave(self.store, session.id)
            self.events.emit("session-closed", session_id=session.name, pid=self.identity)

    def lost(self, connection: Connection) -> None:
        """The connection is gone (3.3.7.1): its requests are dropped, sessions live on if they have other
        channels.
        """
        connection.closing = True
        for request in list(connection.requests.values()):
            if not (request.outlives and request.session and len(request.session.channels) > 1):
                request.drop()
        connection.setups.clear()
        for session in list(connection.sessions.values()):
            session.channels.pop(connection.name, None)
            if session.channels:
                if session.connection is connection:
                    session.connection = next(iter(session.channels.values())).connection
            else:
                self.end_session(session, lost=True)
        connection.sessions.clear()
        client = connection.client
        if client is not None:
            client.connections.pop(connection.name, None)
            if not client.connections:
                self.clients.pop(client.guid, None)


def _random_numbers(entropy: Callable[[int], bytes]) -> Iterator[int]:
    """Of 63 bits each; drawn many at a time, since every open takes one."""
    while True:
        for (number,) in iter_unpack("<Q", entropy(_DRAWN)):
            yield number >> 1


def interrupt_watchers(opened: Open, status: NTSTATUS) -> None:
    for request in opened.users:
        if request.header.command is Command.CHANGE_NOTIFY:
            request.interrupt(status)


def interrupt_creates(session: Session, tree: Tree | None) -> None:
    """Creates that wait on that session, or on that tree of it, wait no more."""
    for request in session.creating:
        if tree in (None, request.tree):
            request.interrupt(NTSTATUS.CANCELLED)
