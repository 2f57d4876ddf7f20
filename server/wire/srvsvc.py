"""The interface `srvsvc` (MS-SRVS): NetrShareEnum and NetrShareGetInfo, levels 0 and 1.

Pure values in NDR.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from server.wire.buffers import Buffer
from server.wire.ndr import Reader, Writer

INTERFACE = (uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3)

DISK = 0
IPC = 3
SPECIAL = 0x8000_0000


class Operation(IntEnum):
    SHARE_ENUM = 15
    SHARE_GET_INFO = 16
    SHARE_ENUM_STICKY = 36


class Werror(IntEnum):
    SUCCESS = 0
    INVALID_LEVEL = 124
    NET_NAME_NOT_FOUND = 2310


@dataclass(frozen=True, slots=True)
class ShareInfo:
    name: str
    type: int
    comment: str = ""


def asked_level(stub: Buffer) -> int:
    """The level that a NetrShareEnum asks for; all its other arguments change nothing here."""
    reader = Reader(stub)
    reader.unique_string()
    return reader.number()


def asked_share(stub: Buffer) -> tuple[str, int]:
    """The share that a NetrShareGetInfo is about, and the level."""
    reader = Reader(stub)
    reader.unique_string()
    return reader.string(), reader.number()


def enumerated(level: int, shares: Sequence[ShareInfo]) -> bytes:
    writer = Writer().number(level).number(level)
    if level not in (0, 1):
        return writer.number(0).number(0).number(0).number(Werror.INVALID_LEVEL).done()
    writer.pointer().number(len(shares)).pointer().number(len(shares))
    for share in shares:
        _fixed(writer, level, share)
    for share in shares:
        _deferred(writer, level, share)
    return writer.number(len(shares)).number(0).number(Werror.SUCCESS).done()


def described(level: int, share: ShareInfo | None) -> bytes:
    """The answer to NetrShareGetInfo; None: there is no such share."""
    writer = Writer().number(level)
    if level not in (0, 1) or share is None:
        status = Werror.NET_NAME_NOT_FOUND if level in (0, 1) else Werror.INVALID_LEVEL
        return writer.number(0).number(status).done()
    writer.pointer()
    _fixed(writer, level, share)
    _deferred(writer, level, share)
    return writer.number(Werror.SUCCESS).done()


def _fixed(writer: Writer, level: int, share: ShareInfo) -> None:
    writer.pointer()
    if level == 1:
        writer.number(share.type).pointer()


def _deferred(writer: Writer, level: int, share: ShareInfo) -> None:
    writer.string(share.name)
    if level == 1:
        writer.string(share.comment)
