"""What all AF_UNIX sockets have in common (unix(7)): names, credentials, messages that carry files.

Owns that. A message under way holds the files that it carries; one that nobody receives lets them go.
"""

from __future__ import annotations

import errno
import select
import socket
from collections import deque
from typing import Any, NamedTuple

from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.unix_names import UnixNames

BUFFER = 212_992  # /proc/sys/net/core/wmem_default
IN, OUT, ERR, HUP, RDHUP = select.POLLIN, select.POLLOUT, select.POLLERR, select.POLLHUP, select.POLLRDHUP

OOB = int(socket.MSG_OOB)


class Credentials(NamedTuple):
    """SO_PEERCRED."""

    pid: int
    uid: int
    gid: int


class Message(NamedTuple):
    """``files`` came with SCM_RIGHTS; ``name`` is the sender's, if it has one."""

    data: bytes | memoryview
    files: tuple[File, ...] = ()
    name: str | bytes | None = None

    def dropped(self) -> None:
        """Nobody gets it."""
        for file in self.files:
            file.release()


class UnixSocket(File):
    """``inbox``: what has arrived."""

    __slots__ = (
        "credentials", "error", "inbox", "name", "names", "options", "peer_credentials", "send_buffer",
        "shut_read", "shut_write",
    )  # fmt: skip

    family = socket.AF_UNIX
    protocol = 0
    kind: int

    def __init__(self, names: UnixNames, credentials: Credentials) -> None:
        super().__init__()
        self.names = names
        self.credentials = credentials
        self.peer_credentials: Credentials | None = None
        self.name: str | bytes | None = None
        self.inbox: deque[Message] = deque()
        self.error = 0
        self.send_buffer = BUFFER
        self.shut_read = self.shut_write = False
        self.options: dict[tuple[int, int], Any] = {}

    def bind(self, name: str | bytes) -> None:
        """See bind(2). Raises EINVAL, EADDRINUSE."""
        if self.name is not None:
            fail(errno.EINVAL)
        self.name = self.names.bind(self, name)

    def take_error(self) -> None:
        """Raise SO_ERROR, once."""
        number, self.error = self.error, 0
        if number:
            fail(number)

    def last_close(self) -> None:
        """See ``File``."""
        if self.name is not None:
            self.names.release(self)
        self._drop_inbox()

    def _drop_inbox(self) -> None:
        while self.inbox:
            self.inbox.popleft().dropped()
