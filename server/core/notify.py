"""Who watches which directory, and what has changed there since it was told last (MS-FSA 2.1.5.10, MS-SMB2
3.3.5.19).

Owns the watches of this worker and the table `watches` in the store, by which a worker that changes something
finds the workers that have to know. Called by CHANGE_NOTIFY, and by every command that changes an entry.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.core.names import is_stream, without_stream
from server.core.shared.notices import Couriers, EntryChanged
from server.ports.files import FilePath
from server.ports.store import Store
from server.wire.notify import Action, Change, Filter, encode_changes

if TYPE_CHECKING:
    from server.core.opens import Open

WATCHES = b"watches\0"
_MOST = 512
"""Changes kept for a client that does not ask for them; more are an overflow."""


@dataclass(slots=True, eq=False)
class Watch:
    """What the first CHANGE_NOTIFY of an open has set up. `limit` bounds the bytes of an answer."""

    filter: int
    tree: bool
    limit: int
    changes: list[Change] = field(default_factory=list)
    overflown: bool = False
    askers: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def eventful(self) -> bool:
        return bool(self.changes) or self.overflown

    def take(self, room: int) -> bytes | None:
        """The changes so far, encoded; None: there were too many to tell, or for that many bytes."""
        changes, overflown = self.changes, self.overflown
        self.changes, self.overflown = [], False
        data = encode_changes(changes)
        return None if overflown or len(data) > min(self.limit, room) else data

    def add(self, change: Change) -> None:
        if change.action is Action.MODIFIED and self.changes and self.changes[-1] == change:
            return
        if self.limit == 0 or len(self.changes) >= _MOST:
            self.overflown = True
        else:
            self.changes.append(change)
        self.prod()

    def prod(self) -> None:
        """Wake who has asked first and still waits."""
        while self.eventful and self.askers:
            asker = self.askers.popleft()
            if not asker.done():
                asker.set_result(None)
                return


class Watches:
    def __init__(
        self, store: Store, couriers: Couriers, touched: Callable[[str, FilePath, Open], None]
    ) -> None:
        """`touched(share, directory, by)` is told of every directory whose entries change, and by whom."""
        self._touched = touched
        self._store = store
        self._couriers = couriers
        self._opens: list[Open] = []

    def add(self, opened: Open, watch: Watch) -> None:
        opened.watch = watch
        self._opens.append(opened)
        with self._store.write() as writing:
            writing.put(WATCHES + self._key(opened), b"")

    def remove(self, opened: Open) -> None:
        """Of an open that has one."""
        self._opens.remove(opened)
        opened.watch = None
        key = self._key(opened)
        if all(self._key(other) != key for other in self._opens):
            with self._store.write() as writing:
                writing.delete(WATCHES + key)

    def changed(self, notice: EntryChanged) -> None:
        for opened in self._opens:
            depth, watch = len(opened.path), opened.watch
            if (
                watch is not None
                and watch.filter & notice.filter
                and not watch.filter & notice.unless
                and opened.tree.share.config.name == notice.share
                and notice.path[:depth] == opened.path
                and (len(notice.path) == depth + 1 or (watch.tree and len(notice.path) > depth))
            ):
                watch.add(Change(Action(notice.action), "\\".join(notice.path[depth:])))

    def tell(
        self, share: str, path: FilePath, action: Action, wanted: int, by: Open, unless: int = 0
    ) -> None:
        """Something has happened to that entry: to whomever it may concern."""
        if action not in (Action.MODIFIED, Action.MODIFIED_STREAM):
            self._touched(share, path[:-1], by)
        with self._store.read() as reading:
            if next(iter(self._store.scan(reading, WATCHES)), None) is None:
                return
            addresses = [
                raw[_HASH:].decode()
                for depth in range(len(path))
                for raw, _ in self._store.scan(reading, WATCHES, _hash(share, path[:depth]))
            ]
        for address in dict.fromkeys(addresses):
            self._couriers.tell(address, EntryChanged(share, path, action, wanted, unless))

    def made(self, opened: Open) -> None:
        self.tell(opened.tree.share.config.name, opened.path, *_added(opened, opened.path), opened)

    def deleted(self, opened: Open, path: FilePath) -> None:
        self.tell(opened.tree.share.config.name, path, *_removed(opened, path), opened)

    def modified(self, opened: Open, wanted: int) -> None:
        """Who caches the directory is told when the file is closed: until then its entry may still change."""
        opened.written = True
        action = Action.MODIFIED
        if is_stream(opened.path) and wanted & (Filter.SIZE | Filter.LAST_WRITE):
            action, wanted = Action.MODIFIED_STREAM, Filter.STREAM_SIZE | Filter.STREAM_WRITE
        path = opened.path if action is Action.MODIFIED_STREAM else without_stream(opened.path)
        self.tell(opened.tree.share.config.name, path, action, wanted, opened)

    def renamed(self, opened: Open, old: FilePath, new: FilePath) -> None:
        same, share = old[:-1] == new[:-1], opened.tree.share.config.name
        if is_stream(new):
            self.tell(share, old, *_removed(opened, old), opened)
            self.tell(share, new, *_added(opened, new), opened)
            return
        wanted = _name_filter(opened.handle.directory)
        self.tell(share, old, Action.RENAMED_OLD_NAME if same else Action.REMOVED, wanted, opened)
        self.tell(share, new, Action.RENAMED_NEW_NAME if same else Action.ADDED, wanted, opened)
        if not opened.handle.directory:
            changed = Filter.ATTRIBUTES | Filter.CREATION
            self.tell(share, new, Action.MODIFIED, changed, opened, unless=_NAMES)

    def _key(self, opened: Open) -> bytes:
        return _hash(opened.tree.share.config.name, opened.path) + self._couriers.address.encode()


def forget(store: Store, address: str) -> None:
    """The watches of a worker that is gone."""
    with store.write() as writing:
        for raw in [raw for raw, _ in store.scan(writing, WATCHES) if raw[_HASH:] == address.encode()]:
            writing.delete(WATCHES + raw)


_HASH = 16
_NAMES = Filter.FILE_NAME | Filter.DIR_NAME


def _hash(share: str, path: FilePath) -> bytes:
    """Keys in the store are short, paths are not."""
    text = "/".join((share.casefold(), *path))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH).digest()


def _added(opened: Open, path: FilePath) -> tuple[Action, int]:
    if is_stream(path):
        return Action.ADDED_STREAM, Filter.STREAM_NAME
    return Action.ADDED, _name_filter(opened.handle.directory)


def _removed(opened: Open, path: FilePath) -> tuple[Action, int]:
    if is_stream(path):
        return Action.REMOVED_STREAM, Filter.STREAM_NAME
    return Action.REMOVED, _name_filter(opened.handle.directory)


def _name_filter(directory: bool) -> int:
    return Filter.DIR_NAME if directory else Filter.FILE_NAME
