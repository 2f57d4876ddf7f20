"""What one worker tells another. Each is a hint: what holds is in the store, so that one that comes late,
twice, or to somebody whom it no longer concerns does no harm.

Pure values, and the Protocol of who carries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from server.core.shared.records import FileKey
from server.ports.files import FilePath


@dataclass(frozen=True, slots=True)
class FileChanged:
    """You wanted to know when something about this file changes."""

    key: FileKey


@dataclass(frozen=True, slots=True)
class BreakWanted:
    """A holder whose client is yours shall cache no more than `to`."""

    key: FileKey
    holder: str
    to: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An open of yours has another path since it, or a directory above it, was renamed."""

    key: FileKey
    share: str
    path: FilePath


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file of yours is to go with its last open: whoever watches it has nothing to wait for."""

    key: FileKey


@dataclass(frozen=True, slots=True)
class Displaced:
    """An open of yours is to be closed: its application has come back on another client."""

    key: FileKey
    number: int


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """Something below a directory that one of yours watches: `path` counts from the share's root.

    `action` and `filter` are those of MS-FSCC 2.7.1 and MS-SMB2 2.2.35. `unless`: not for a watch with any of
    that in its filter, which is told otherwise.
    """

    share: str
    path: FilePath
    action: int
    filter: int
    unless: int = 0


@dataclass(frozen=True, slots=True)
class Orphaned:
    """An open waits for its client, until `expires` (ns since 1970). For the acceptor."""

    expires: int


@dataclass(frozen=True, slots=True)
class SessionReplaced:
    """Its user has logged on anew, and says that this session of yours is lost. `asker` wants to know when it
    is over.
    """

    session_id: int
    user: str
    asker: str


@dataclass(frozen=True, slots=True)
class SessionOver:
    """The session that you asked about has ended, or was none of that user's."""

    session_id: int


Notice = (
    FileChanged
    | BreakWanted
    | Moved
    | Doomed
    | Displaced
    | EntryChanged
    | Orphaned
    | SessionReplaced
    | SessionOver
)


class Couriers(Protocol):
    """The way to the other workers."""

    @property
    def address(self) -> str:
        """Where the others reach this one. Never used twice."""
        ...

    @property
    def home(self) -> str:
        """Where the acceptor is reached."""
        ...

    def tell(self, address: str, notice: Notice) -> None:
        """Never blocks. Told in order; lost if nobody is there (any more). To oneself it works, too."""
        ...

    def alive(self, pid: int) -> bool:
        """Whether that worker process is running."""
        ...
