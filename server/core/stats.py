"""A file's state as the information classes want it.

Pure functions from `FileStat` to the values of `server.wire`. Called by the commands that report attributes.
"""

from __future__ import annotations

from server.ports.files import FileStat
from server.wire.create import Attributes
from server.wire.directory_infos import DirectoryEntry
from server.wire.file_infos import BasicInformation
from server.wire.filetime import from_unix_ns
from server.wire.short_names import is_short, short_name

_DIRECTORY, _NORMAL = int(Attributes.DIRECTORY), int(Attributes.NORMAL)


def attributes(stat: FileStat) -> int:
    """NORMAL stands for none at all."""
    found = stat.attributes | (_DIRECTORY if stat.directory else 0)
    return found or _NORMAL


def times(stat: FileStat) -> tuple[int, int, int, int]:
    """Creation, last access, last write, change, as FILETIME."""
    return (
        from_unix_ns(stat.created),
        from_unix_ns(stat.accessed),
        from_unix_ns(stat.written),
        from_unix_ns(stat.changed),
    )


def allocation(stat: FileStat, reserved: int = 0) -> int:
    """`reserved` is told as long as the file is smaller than that."""
    return reserved if reserved > stat.size else stat.allocation


def basic(stat: FileStat) -> BasicInformation:
    return BasicInformation(*times(stat), attributes(stat))


def entry(name: str, stat: FileStat) -> DirectoryEntry:
    return DirectoryEntry(
        name,
        *times(stat),
        stat.size,
        stat.allocation,
        attributes(stat),
        ea_size=stat.extended,
        file_id=stat.number,
        short_name="" if is_short(name) or name in (".", "..") else short_name(name),
    )
