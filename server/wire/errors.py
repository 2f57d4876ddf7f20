"""Errors of the codecs: whose fault it was, and what the receiver owes the sender for it.
 Owns the exception classes that `server.wire` raises. Knows nothing of connections or sessions; the
dispatcher of the server and the reader of the client decide by `WireError.status` and `WireError.fatal` what
to do.
"""

from __future__ import annotations

from server.wire.status import NTSTATUS


class WireError(Exception):
    """Bytes from the peer break MS-SMB2.

    `fatal` is True when nothing after these bytes can be trusted: the connection is to be closed without an
    answer. Otherwise the request is answered with `status`.
    """

    fatal: bool = False
    status: NTSTATUS = NTSTATUS.INVALID_PARAMETER


class MalformedError(WireError):
    """A body, a context or a buffer has not the layout of its structure (MS-SMB2 3.3.5.2.6)."""


class FramingError(WireError):
    """A length prefix, a protocol id or a header that leaves no way to find the next message (MS-SMB2 2.1,
    3.3.5.2).
    """

    fatal = True
