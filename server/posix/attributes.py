"""DOS attributes, creation time and a change time that was set, which POSIX does not keep: one extended attribute a
file.

Owns the attribute's layout. Where the file system has no user attributes, setting them is silently without
effect, as with Samba's `store dos attributes = no`: reading gives the defaults. Called by `server.posix.handle`
alone.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from struct import Struct

NAME = "user.smb.dos"
_LAYOUT = Struct("<BIqqq")
_VERSION = 2
_NEVER = -(2**63)
_TICK = 100
"""ns in the units that are kept: those of a FILETIME, so that all of its times fit."""

_NOT_THERE = (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EBADF)

ARCHIVE = 0x20
SETTABLE = 0x01 | 0x02 | 0x04 | 0x20 | 0x100 | 0x200 | 0x1000 | 0x2000
"""READONLY, HIDDEN, SYSTEM, ARCHIVE, TEMPORARY, SPARSE_FILE, OFFLINE, NOT_CONTENT_INDEXED."""


@dataclass(frozen=True, slots=True)
class Dos:
    """Times in ns since 1970. `created`, `changed` None: never set. A `changed` that was set is good for as long as
    the file was last `written` then: later changes are the kernel's to tell.
    """

    attributes: int
    created: int | None = None
    changed: int | None = None
    written: int = 0

    def changed_as_of(self, status: os.stat_result) -> int:
        if self.changed is None or self.written != status.st_mtime_ns // _TICK * _TICK:
            return status.st_ctime_ns
        return self.changed


_OF_DIRECTORY, _OF_FILE = Dos(0), Dos(ARCHIVE)


def default(directory: bool) -> Dos:
    return _OF_DIRECTORY if directory else _OF_FILE


def load(file: int | str, directory: bool) -> Dos:
    try:
        raw = os.getxattr(file, NAME)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return default(directory)
        raise
    if len(raw) != _LAYOUT.size or raw[0] != _VERSION:
        return default(directory)
    _, attributes, *times = _LAYOUT.unpack(raw)
    created, changed, written = (None if time == _NEVER else time * _TICK for time in times)
    return Dos(attributes & SETTABLE, created, changed, written or 0)


def store(file: int | str, dos: Dos) -> None:
    times = (_NEVER if time is None else time // _TICK for time in (dos.created, dos.changed, dos.written))
    try:
        os.setxattr(file, NAME, _LAYOUT.pack(_VERSION, dos.attributes & SETTABLE, *times))
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise


def with_changed(dos: Dos, changed: int, status: os.stat_result) -> Dos:
    return replace(dos, changed=changed, written=status.st_mtime_ns)
