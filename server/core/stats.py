"""A file's state as the information classes want it.

Pure functions from `FileStat` to the values of `server.wire`. Called by the commands that report attributes.
"""

from __future__ import annotations

from server.ports.files import FileStat
from server.wire.create import Attributes
from server.wire.directory_infos import DirectoryEntry
from server.wire.file_infos import BasicInformation
from server.wire.filetime import from_unix_ns


def attributes(stat: FileStat) -> int:
    """NORMAL stands for none at all."""
    found = stat.attributes | (Attributes.DIRECTORY if stat.directory else 0)
    return found or Attributes.NORMAL


def times(stat: FileStat) -> tuple[int, int, int, int]:
    """Creation, last access, last write, change, as FILETIME."""
    return (
        from_unix_ns(stat.created),
        from_unix_ns(stat.accessed),
        from_unix_ns(stat.written),
        from_unix_ns(stat.changed),
    )


def basic(stat: FileStat) -> BasicInformation:
    return BasicInformation(*times(stat), attributes(stat))


def entry(name: str, stat: FileStat) -> DirectoryEntry:
    return DirectoryEntry(
        name, *times(stat), stat.size, stat.allocation, attributes(stat), file_id=stat.inode
    )
