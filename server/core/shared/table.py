"""The transactions on files that are open: admitted, closed, renamed, doomed, locked.

Owns the tables `files` (by device and inode), `locks` (the same), `orphans` (the opens without an owner), `leases`
(which file a lease key is for). Each call is one transaction. What has to be told to others afterwards is in its
result: if the caller is killed in between, whoever waits learns of that death instead. Called by the
commands, through the core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType

from server.core.errors import StatusError
from server.core.shared import ranges, rules
from server.core.shared.ranges import Lock
from server.core.shared.records import (
    NOBODY,
    FileKey,
    FileRecord,
    Grant,
    H,
    OpenRecord,
    pack_key,
    unpack_key,
)
from server.core.shared.rules import Break
from server.ports.files import FilePath
from server.ports.store import Store, Writing
from server.wire.create import Access
from server.wire.status import NTSTATUS

FILES, LOCKS, ORPHANS, LEASES, DURABLE = b"files\0", b"locks\0", b"orphans\0", b"leases\0", b"durable\0"
DIRECTORIES = b"directories\0"
"""The directories that somebody has a lease on: what changes in them has to be told."""

_SEEN = 1024
"""Decoded records that are kept."""


@dataclass(slots=True)
class Asked:
    """An open that wants in. `caching`: what its client would like to hold as `opened.holder`, as a lease of that
    `version`, or as an oplock (0).
    """

    opened: OpenRecord
    caching: int = 0
    version: int = 0
    epoch: int = 0
    parent: str = ""
    overwrite: bool = False
    directory: bool = False
    again: bool = False


@dataclass(slots=True)
class Outcome:
    """`breaks`: (owner, what it shall tell whom). `wake`: who waits for the file to change. `waiting`: not yet.
    `expires`: until when an open that lost its connection waits for its client."""

    breaks: list[tuple[str, Break]] = field(default_factory=list)
    wake: list[str] = field(default_factory=list)
    waiting: bool = False
    grant: Grant | None = None
    removed: OpenRecord | None = None
    doomed: bool = False
    deleted: bool = False
    vanished: bool = False
    failure: OSError | None = None
    expires: int = 0


class FileTable:
    """`address` and `alive` are of this worker and about the others; `clock()` gives ns since 1970.

    `delete(opened, key)` unlinks a file by its path if it is still that one, for an open whose worker is gone.
    """

    def __init__(
        self,
        store: Store,
        address: str,
        alive: Callable[[int], bool],
        clock: Callable[[], int],
        delete: Callable[[OpenRecord, FileKey], None],
    ) -> None:
        self.store = store
        self.address = address
        self.clock = clock
        self._alive = alive
        self.seen: dict[FileKey, tuple[bytes | None, FileRecord]] = {}
        self.delete = delete

    def draft(self, key: FileKey) -> Draft:
        """A transaction on the file's record, which may be changed in it; left by an exception it stays as it was."""
        return Draft(self, key)

    def look(self, key: FileKey) -> FileRecord:
        """As it is now, to be read and not written. Decoded anew only when it has changed."""
        return self.glance(key)[0]

    def glance(self, key: FileKey) -> tuple[FileRecord, list[Lock]]:
        """The same with the locks, as of one moment."""
        packed = pack_key(key)
        with self.store.read() as reading:
            file = self.known(key, reading.get(FILES + packed))
            return file, ranges.decode(reading.get(LOCKS + packed)) if file.locked else []

    def known(self, key: FileKey, raw: bytes | None) -> FileRecord:
        """The record that these bytes are."""
        seen = self.seen.get(key)
        if seen is not None and seen[0] == raw:
            return seen[1]
        file = FileRecord.decode(raw)
        self._remember(key, raw, file)
        return file

    def _remember(self, key: FileKey, raw: bytes | None, file: FileRecord) -> None:
        if len(self.seen) >= _SEEN:
            self.seen.clear()
        self.seen[key] = raw, file

    def drafted(self, writing: Writing, key: FileKey, packed: bytes) -> FileRecord:
        """The record, to be changed within the transaction: what becomes of it is not known before it is finished."""
        raw = writing.get(FILES + packed)
        if raw is None:
            return FileRecord()
        seen = self.seen.pop(key, None)
        return seen[1] if seen is not None and seen[0] == raw else FileRecord.decode(raw)

    def finish(self, writing: Writing, key: FileKey, packed: bytes, file: FileRecord) -> None:
        """The record as it is to be from now on. If the transaction is undone all the same, its bytes are no longer
        those that are remembered.
        """
        if file.opens:
            raw = file.encode()
            writing.put(FILES + packed, raw)
            self._remember(key, raw, file)
        else:
            writing.delete(FILES + packed)

    def admit(self, key: FileKey, asked: Asked, links: Callable[[], int]) -> Outcome:
        """Enter the open, or wait: `waiting` with what has to break first. StatusError: it may not be opened so."""
        outcome, packed = Outcome(), pack_key(key)
        with self.store.write() as writing:
            file = self.drafted(writing, key, packed)
            if not file.opens and not links():
                outcome.vanished = True
                return outcome
            if asked.version and writing.get(LEASES + asked.opened.holder.encode()) not in (None, packed):
                raise StatusError(NTSTATUS.INVALID_PARAMETER, "the lease is for another file")
            if file.opens:
                self._make_room(writing, key, file, asked, outcome)
            if outcome.waiting:
                self.wait_for(file)
            elif not outcome.vanished:
                outcome.grant = self._enter(writing, packed, file, asked)
            self.finish(writing, key, packed, file)
        return outcome

    def _make_room(
        self, writing: Writing, key: FileKey, file: FileRecord, asked: Asked, outcome: Outcome
    ) -> None:
        """What the opens that are there have to give up for this one, or that the file has gone with them.
        StatusError: they keep it out.
        """
        opened = asked.opened
        access = opened.access | (Access.WRITE_DATA if asked.overwrite else 0)
        violators = rules.violators(file, access, opened.share_access)
        if violators or file.delete_pending:
            self.sweep(writing, key, file, outcome)
            violators = rules.violators(file, access, opened.share_access)
        if file.delete_pending:
            raise StatusError(NTSTATUS.DELETE_PENDING)
        breaks = rules.breaks_of_open(
            file,
            opened.holder,
            opened.access,
            overwrite=asked.overwrite,
            violation=bool(violators),
            doomed=opened.delete_on_close,
            again=asked.again,
        )
        breaks = self._carry_out(writing, key, file, breaks, outcome)
        waiting = any(one.wait for one in breaks)
        if violators and rules.violators(file, access, opened.share_access) and not waiting:
            raise StatusError(NTSTATUS.SHARING_VIOLATION)
        outcome.vanished = outcome.deleted
        if not outcome.vanished:
            outcome.breaks = [(file.owner_of(one.holder), one) for one in breaks]
            outcome.waiting = waiting

    def close(self, key: FileKey, number: int, unlink: Callable[[FilePath], None]) -> Outcome:
        """Take the open out. `unlink(path)` is called if the file is to go with its last open."""
        outcome, packed = Outcome(), pack_key(key)
        with self.store.write() as writing:
            file = self.drafted(writing, key, packed)
            opened = file.opens.get(number)
            if opened is None or opened.owner != self.address:
                return outcome
            self.leave(writing, key, file, opened, lambda: unlink(opened.path), outcome)
            self.finish(writing, key, packed, file)
        return outcome

    def leased_directories(self) -> bool:
        """Whether there is any directory that somebody caches."""
        with self.store.read() as reading:
            return next(iter(self.store.scan(reading, DIRECTORIES)), None) is not None

    def watch(self, key: FileKey) -> None:
        """This worker wants to know when the file changes."""
        with self.draft(key) as (_, file):
            self.wait_for(file)

    def doom(self, key: FileKey, pending: bool) -> None:
        """Set or clear that the file goes with its last open."""
        with self.draft(key) as (_, file):
            file.delete_pending = pending

    def moved(self, key: FileKey, share: str, path: FilePath) -> list[OpenRecord]:
        """The file has another path in that share. The opens that have to know."""
        with self.draft(key) as (_, file):
            found = [opened._replace(path=path) for opened in file.opens.values() if opened.share == share]
            for opened in found:
                file.put(opened)
        return found

    def opens_below(self, share: str, path: FilePath) -> list[tuple[FileKey, FileRecord]]:
        """The files below that directory that are open. Looks at all that are open: a rename of a directory
        is rare.
        """
        with self.store.read() as reading:
            files = [
                (unpack_key(raw), FileRecord.decode(value)) for raw, value in self.store.scan(reading, FILES)
            ]
        depth = len(path)
        return [
            (key, file)
            for key, file in files
            if any(
                one.share == share and len(one.path) > depth and one.path[:depth] == path
                for one in file.opens.values()
            )
        ]

    def wanting(self, key: FileKey, breaks: Callable[[FileRecord], list[Break]]) -> Outcome:
        """What an operation on an open file takes away from others, by one of the `rules`. If some of it has to be
        waited for, this worker is told when the file changes.
        """
        if not breaks(self.look(key)):
            return Outcome()
        outcome = Outcome()
        with self.draft(key) as (writing, file):
            found = self._carry_out(writing, key, file, breaks(file), outcome)
            outcome.breaks = [(file.owner_of(one.holder), one) for one in found]
            outcome.waiting = any(one.wait for one in found)
            if outcome.waiting:
                self.wait_for(file)
        return outcome

    def sweep(self, writing: Writing, key: FileKey, file: FileRecord, outcome: Outcome) -> None:
        """Take out what belongs to workers that are gone: it stands in somebody's way."""
        for opened in list(file.opens.values()):
            if opened.owner not in (NOBODY, self.address) and not self._alive(opened.pid):
                self.orphan(writing, key, file, opened, outcome)

    def orphan(
        self, writing: Writing, key: FileKey, file: FileRecord, opened: OpenRecord, outcome: Outcome
    ) -> None:
        """The open has lost its connection, or its worker: a durable one is kept for a while, any other is closed."""
        durable = opened.durable
        if durable is None or not self._may_stay(file, opened):
            self.leave(writing, key, file, opened, partial(self.delete, opened, key), outcome)
            return
        writing.put(ORPHANS + orphan_key(key, opened.id), b"")
        expires = self.clock() + durable.timeout * 1_000_000
        file.put(opened._replace(owner=NOBODY, pid=0, expires=expires))
        outcome.expires = expires
        outcome.wake += file.take_waiters()

    def leave(
        self,
        writing: Writing,
        key: FileKey,
        file: FileRecord,
        opened: OpenRecord,
        unlink: Callable[[], None],
        outcome: Outcome,
    ) -> None:
        """Everything that an open leaves behind goes. A failing `unlink` is kept as the outcome's `failure`."""
        outcome.removed = file.remove(opened.id)
        if opened.owner == NOBODY:
            writing.delete(ORPHANS + orphan_key(key, opened.id))
        if opened.durable is not None:
            writing.delete(DURABLE + opened.id.to_bytes(8, "big"))
        if opened.holder and opened.holder not in file.grants:
            writing.delete(LEASES + opened.holder.encode())
            if not any(grant.version for grant in file.grants.values()):
                writing.delete(DIRECTORIES + pack_key(key))
        if file.locked:
            locks = ranges.decode(writing.get(LOCKS + pack_key(key)))
            self.put_locks(writing, key, file, [lock for lock in locks if lock.open != opened.id])
        if file.waiters:
            outcome.wake += file.take_waiters()
        if opened.delete_on_close:
            file.delete_pending = outcome.doomed = True
        if not file.opens and file.delete_pending:
            # Within the transaction: nobody can open the file before it is gone, nor be told that it is gone before.
            try:
                unlink()
                outcome.deleted = True
            except FileNotFoundError:
                return
            except OSError as error:
                outcome.failure = error

    def _enter(self, writing: Writing, packed: bytes, file: FileRecord, asked: Asked) -> Grant | None:
        opened, grant = asked.opened, None
        if holder := opened.holder:
            granted = rules.grantable(
                file, asked.caching, holder, lease=bool(asked.version), locked=file.locked
            )
            grant = _grown(file.grants.get(holder), asked, granted)
            if grant.version:
                writing.put(LEASES + holder.encode(), packed)
                if asked.directory:
                    writing.put(DIRECTORIES + packed, b"")
            elif not grant.state:
                grant, opened = None, opened._replace(holder="")
        if opened.durable is not None:
            if grant is not None and grant.state & H:
                writing.put(DURABLE + opened.id.to_bytes(8, "big"), packed)
            else:
                opened = opened._replace(durable=None)
        if grant is not None:
            file.grants[grant.holder] = grant
        file.put(opened)
        return grant

    def _carry_out(
        self, writing: Writing, key: FileKey, file: FileRecord, breaks: list[Break], outcome: Outcome
    ) -> list[Break]:
        """Opens that wait for their client give way to whoever is there (MS-SMB2 3.3.4.6, 3.3.4.7): what is
        left to tell.
        """
        told = []
        for one in breaks:
            if file.owner_of(one.holder) != NOBODY:
                told.append(one)
                continue
            for opened in file.opens_of(one.holder):
                self.leave(writing, key, file, opened, partial(self.delete, opened, key), outcome)
        return told

    def wait_for(self, file: FileRecord) -> None:
        """This worker wants to know of the file's next change."""
        if self.address not in file.waiters:
            file.waiters.append(self.address)

    def _may_stay(self, file: FileRecord, opened: OpenRecord) -> bool:
        grant = file.grants.get(opened.holder)
        return grant is not None and grant.breaking is None and bool(grant.state & H)

    @staticmethod
    def put_locks(writing: Writing, key: FileKey, file: FileRecord, locks: list[Lock]) -> None:
        file.locked = bool(locks)
        if locks:
            writing.put(LOCKS + pack_key(key), ranges.encode(locks))
        else:
            writing.delete(LOCKS + pack_key(key))


class Draft:
    """Its own context manager, of the transaction and the record."""

    __slots__ = ("_file", "_key", "_packed", "_table", "_transaction", "_writing")

    def __init__(self, table: FileTable, key: FileKey) -> None:
        self._table, self._key, self._packed = table, key, pack_key(key)
        self._transaction = table.store.write()

    def __enter__(self) -> tuple[Writing, FileRecord]:
        self._writing = writing = self._transaction.__enter__()
        try:
            self._file = self._table.drafted(writing, self._key, self._packed)
        except BaseException:
            self._transaction.__exit__(*sys.exc_info())
            raise
        return writing, self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self._table.finish(self._writing, self._key, self._packed, self._file)
            except BaseException:
                self._transaction.__exit__(*sys.exc_info())
                raise
        self._transaction.__exit__(kind, error, trace)


def _grown(held: Grant | None, asked: Asked, granted: int) -> Grant:
    """What the holder holds after this open: the epoch counts every change (MS-SMB2 3.3.5.9.11)."""
    if held is None:
        epoch = (asked.epoch + 1) & 0xFFFF if asked.version == 2 else 0
        return Grant(asked.opened.holder, granted, asked.version, epoch, parent=asked.parent)
    state = rules.joined(held, asked.caching, granted)
    if state == held.state:
        return held
    return replace(held, state=state, epoch=(held.epoch + 1) & 0xFFFF)


def orphan_key(key: FileKey, number: int) -> bytes:
    return pack_key(key) + number.to_bytes(8, "big")
