"""The record of a file that is open somewhere: values, and their bytes in the store.

Owns the layout. A record is small and read whole; it is there as long as somebody has the file open. Pure values.
"""

from __future__ import annotations

import marshal
import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import Any, NamedTuple

from server.ports.files import FilePath

FileKey = tuple[int, int]
"""Device and inode."""

NOBODY = ""
"""The owner of an open whose client has lost its connection."""

_KEY = Struct(">QQ")


class Caching(IntEnum):
    """What a client may do without asking. The bits are those of a lease state (MS-SMB2 2.2.13.2.8)."""

    NONE = 0
    READ = 1
    HANDLE = 2
    WRITE = 4


R, H, W = Caching.READ, Caching.HANDLE, Caching.WRITE
ALL = int(R | H | W)


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease or an oplock. `holder` names it: ClientGUID and lease key, or the id of the one open; opens
    name it back.

    `version` 0 is an oplock, else that of the lease. `breaking`: what it becomes when the break under way is
    acknowledged; `wanted`: what may remain of it after all that has come up meanwhile.
    """

    holder: str
    state: int
    version: int = 0
    epoch: int = 0
    breaking: int | None = None
    wanted: int = ALL
    parent: str = ""


class Durability(NamedTuple):
    """How an open outlives its connection. `version` 1 or 2; `timeout` in ms; `create_guid` in hex, "" for
    version 1.
    """

    version: int
    timeout: int
    create_guid: str = ""


class OpenRecord(NamedTuple):
    """`id` is the persistent half of the FileId. `owner`: post address of the worker that serves it; `client`:
    ClientGUID in hex. `expires`: ns since 1970, once it has no owner.
    """

    id: int
    owner: str
    pid: int
    client: str
    user: str
    share: str
    path: FilePath
    access: int
    share_access: int
    options: int = 0
    delete_on_close: bool = False
    holder: str = ""
    durable: Durability | None = None
    expires: int = 0
    position: int = 0
    reserved: int = 0
    stream: bool = False
    """It is of one of the file's streams, and here only so that the file is not deleted or renamed from under it."""


@dataclass(slots=True)
class FileRecord:
    """A draft within one transaction. `waiters`: post addresses of workers that want to know of any change. `locked`:
    some bytes of it are.
    """

    opens: dict[int, OpenRecord] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    delete_pending: bool = False
    waiters: list[str] = field(default_factory=list)
    locked: bool = False

    def others(self, holder: str) -> list[Grant]:
        return [grant for grant in self.grants.values() if grant.holder != holder]

    def opens_of(self, holder: str) -> list[OpenRecord]:
        return [opened for opened in self.opens.values() if opened.holder == holder]

    def owner_of(self, holder: str) -> str:
        """Who can tell the holder of a break; NOBODY if it has no connection."""
        return next((opened.owner for opened in self.opens_of(holder) if opened.owner), NOBODY)

    def put(self, opened: OpenRecord) -> None:
        self.opens[opened.id] = opened

    def remove(self, number: int) -> OpenRecord | None:
        """The open goes, and with the last open of a holder what it held."""
        gone = self.opens.pop(number, None)
        if gone is not None and gone.holder and not self.opens_of(gone.holder):
            self.grants.pop(gone.holder, None)
        return gone

    def take_waiters(self) -> list[str]:
        waiters, self.waiters = self.waiters, []
        return waiters

    def encode(self) -> bytes:
        # Read by the processes of this very server alone, which are of one Python: nothing is as fast.
        opens = [tuple(one) if one.durable is None else _plain(one) for one in self.opens.values()]
        grants = [_plain_grant(one) for one in self.grants.values()] if self.grants else []
        return marshal.dumps((opens, grants, self.delete_pending, self.waiters, self.locked))

    @classmethod
    def decode(cls, raw: bytes | None) -> FileRecord:
        """None: a file that nobody has open."""
        if raw is None:
            return cls()
        opens, grants, *rest = marshal.loads(raw)  # noqa: S302  # in a directory of our own
        return cls(
            {fields[0]: _open_of(fields) for fields in opens},
            {fields[0]: Grant(*fields) for fields in grants},
            *rest,
        )


def _plain(opened: OpenRecord) -> tuple[object, ...]:
    return tuple(opened._replace(durable=tuple(opened.durable)))  # type: ignore[arg-type]


def _plain_grant(one: Grant) -> tuple[object, ...]:
    state, wanted = int(one.state), int(one.wanted)
    return one.holder, state, one.version, one.epoch, one.breaking, wanted, one.parent


def _open_of(fields: tuple[Any, ...]) -> OpenRecord:
    found = OpenRecord(*fields)
    return found if found.durable is None else found._replace(durable=Durability(*found.durable))


def lease_holder(client: uuid.UUID, key: bytes) -> str:
    return client.hex + key.hex()


def oplock_holder(number: int) -> str:
    return f"{number:016x}"


def pack_key(key: FileKey) -> bytes:
    return _KEY.pack(*key)


def unpack_key(raw: bytes) -> FileKey:
    device, inode = _KEY.unpack(raw)
    return device, inode
