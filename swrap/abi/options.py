"""The options file of a lab, `<lab>/options`: made beside the page, and read for the gaps that the shim has counted.

Its layout and its rules are in options.h. Called by `Page.create`, and by the command line.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from swrap.abi import ffi, lib

NAME = "options"
_VALID = 2


class GapKind(IntEnum):
    """What was asked for: `enum sw_gap_kind`."""

    SOCKET = lib.SW_GAP_SOCKET
    GETSOCKOPT = lib.SW_GAP_GETSOCKOPT
    SETSOCKOPT = lib.SW_GAP_SETSOCKOPT
    NO_EFFECT = lib.SW_GAP_NO_EFFECT
    IOCTL = lib.SW_GAP_IOCTL
    CONTROL = lib.SW_GAP_CONTROL
    SEND = lib.SW_GAP_SEND


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a program asked for `count` times and did not get.

    `level`, `name`, `extra`: of SOCKET the domain, type and protocol; of the options level and name; of IOCTL
    `name` is the request, `extra` the command of a SIOCETHTOOL; of CONTROL the message's level and type; of
    SEND the protocol and the flag.
    `host` is its index in the page.
    """

    kind: GapKind
    level: int
    name: int
    extra: int
    pid: int
    host: int
    program: str
    count: int


def create(path: Path) -> None:
    """Write an empty options file, mode 0600. It takes no space on disk until it is used."""
    head = ffi.new(
        "struct sw_options *", {"magic": lib.SW_OPTIONS_MAGIC, "size": ffi.sizeof("struct sw_options")}
    )
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(bytes(ffi.buffer(head, ffi.offsetof("struct sw_options", "gaps"))))
        file.truncate(ffi.sizeof("struct sw_options"))


class DevicePorts:
    """A bit for each port that a socket bound to an interface has ever had, live. `address` is for the C side."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), ffi.sizeof("struct sw_options"), prot=mmap.PROT_READ)
        self._buffer = ffi.from_buffer(self._map)
        self.address = ffi.cast("struct sw_options *", self._buffer).devices

    def close(self) -> None:
        """Unmap. The pointer that was handed out is void from now on."""
        ffi.release(self._buffer)
        self._map.close()


def gaps(path: Path) -> tuple[list[Gap], int]:
    """What has been counted so far, in the order of its first coming, and how much more met a full table.

    OSError where there is no such file, ValueError where it is something else.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        if len(mapped) != ffi.sizeof("struct sw_options"):
            raise ValueError(f"{path}: not the options file of a lab")
        with ffi.from_buffer(mapped) as buffer:
            table = ffi.cast("struct sw_options *", buffer)
            if table.magic != lib.SW_OPTIONS_MAGIC:
                raise ValueError(f"{path}: not the options file of a lab")
            rows = [table.gaps[i] for i in range(lib.SW_GAPS) if table.gaps[i].state == _VALID]
            return [_gap(row) for row in rows], int(table.unlisted)


def _gap(row: ffi.CData) -> Gap:
    return Gap(
        kind=GapKind(row.kind),
        level=row.level,
        name=row.name,
        extra=row.extra,
        pid=row.pid,
        host=row.host,
        program=bytes(ffi.string(row.program)).decode(errors="replace"),
        count=row.count,
    )
