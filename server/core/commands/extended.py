"""Extended attributes, as clients query and set them (MS-FSCC 2.4.16; MS-FSA 2.1.5.12.10, 2.1.5.15.6).

Called by create, query_info and set_info.
"""

from __future__ import annotations

import errno
import re

from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import Request
from server.ports.files import Handle
from server.wire import ea
from server.wire.buffers import Buffer
from server.wire.create import Access
from server.wire.notify import Filter
from server.wire.status import NTSTATUS

_NAME = re.compile(r'[^\x00-\x1f"*+,/:;<=>?\[\\\]|]{1,255}')
_MOST = 64 * 1024
_NO_ROOM = (errno.ENOSPC, errno.E2BIG, errno.ERANGE, errno.EDQUOT)


def query(opened: Open, asked: Buffer) -> bytes:
    """All of them, or those that are `asked` for, of which the ones that there are not are empty."""
    opened.need(Access.READ_EA)
    there = opened.handle.extended()
    if not len(asked):
        if not there:
            raise StatusError(NTSTATUS.NO_EAS_ON_FILE)
        return ea.encode_full(there.items())
    folded = {name.casefold(): value for name, value in there.items()}
    return ea.encode_full((name, folded.get(name.casefold(), b"")) for name in ea.decode_names(asked))


def change(request: Request, opened: Open, data: Buffer) -> None:
    opened.need(Access.WRITE_EA)
    put(opened.handle, data)
    request.core.watches.modified(opened, Filter.EA)


def put(handle: Handle, data: Buffer) -> None:
    """StatusError: a name that none has, or no room."""
    wanted = ea.decode_full(data)
    there = handle.extended()
    size = sum(len(name) + len(value) for name, value in (*there.items(), *wanted))
    if not all(_NAME.fullmatch(name) for name, _ in wanted):
        raise StatusError(NTSTATUS.INVALID_EA_NAME)
    if size > _MOST:
        raise StatusError(NTSTATUS.EA_TOO_LARGE)
    for name, value in wanted:
        try:
            handle.set_extended(name, value)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StatusError(NTSTATUS.EA_TOO_LARGE) from error
            if error.errno == errno.EOPNOTSUPP:
                raise StatusError(NTSTATUS.EAS_NOT_SUPPORTED) from error
            raise
