"""How a handler refuses: by a status that is answered, or by closing the connection.

Raised by everything below the dispatcher, caught there.
"""

from __future__ import annotations

import errno

from server.wire.status import NTSTATUS


class StatusError(Exception):
    """Answer the request with this status. `data`: ErrorData of the error response."""

    def __init__(self, status: NTSTATUS, why: str = "", data: bytes = b"") -> None:
        super().__init__(f"{status.label} {why}".rstrip())
        self.status = status
        self.data = data


class DisconnectError(Exception):
    """Close the connection without an answer; the text says why, for the log."""


_BY_ERRNO = {
    errno.ENOENT: NTSTATUS.OBJECT_NAME_NOT_FOUND,
    errno.ENOTDIR: NTSTATUS.OBJECT_PATH_NOT_FOUND,
    errno.EEXIST: NTSTATUS.OBJECT_NAME_COLLISION,
    errno.EACCES: NTSTATUS.ACCESS_DENIED,
    errno.EPERM: NTSTATUS.ACCESS_DENIED,
    errno.EROFS: NTSTATUS.MEDIA_WRITE_PROTECTED,
    errno.EISDIR: NTSTATUS.FILE_IS_A_DIRECTORY,
    errno.ENOTEMPTY: NTSTATUS.DIRECTORY_NOT_EMPTY,
    errno.ENOSPC: NTSTATUS.DISK_FULL,
    errno.EDQUOT: NTSTATUS.DISK_FULL,
    errno.EFBIG: NTSTATUS.DISK_FULL,
    errno.ENAMETOOLONG: NTSTATUS.OBJECT_NAME_INVALID,
    errno.EINVAL: NTSTATUS.INVALID_PARAMETER,
    errno.ELOOP: NTSTATUS.OBJECT_NAME_NOT_FOUND,
    errno.EBUSY: NTSTATUS.SHARING_VIOLATION,
    errno.ETXTBSY: NTSTATUS.SHARING_VIOLATION,
    errno.EXDEV: NTSTATUS.NOT_SAME_DEVICE,
    errno.EMFILE: NTSTATUS.TOO_MANY_OPENED_FILES,
    errno.ENFILE: NTSTATUS.TOO_MANY_OPENED_FILES,
    errno.EMLINK: NTSTATUS.TOO_MANY_LINKS,
    errno.ENOMEM: NTSTATUS.INSUFFICIENT_RESOURCES,
    errno.EIO: NTSTATUS.IO_DEVICE_ERROR,
    errno.ESTALE: NTSTATUS.FILE_CLOSED,
    errno.EOPNOTSUPP: NTSTATUS.NOT_SUPPORTED,
}


def status_of(error: OSError) -> NTSTATUS:
    """What a failed call on the file system means to an SMB client."""
    return _BY_ERRNO.get(error.errno or 0, NTSTATUS.UNSUCCESSFUL)
