"""What a program holds of a socket: a descriptor, a time-out, the files that were made of it.

Owns the life of the object, and what blocks. What calls do is ``socket``'s, which is derived from it; what they do it
to is the file's (``kernel``).
"""

from __future__ import annotations

import errno
import socket as real
from typing import Any, Self

from swrap.fake.inside import blocking
from swrap.fake.inside.creation import new_file
from swrap.fake.inside.current import current
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.tcp import IN
from swrap.fake.kernel.tcp_receiver import DONTWAIT
from swrap.fake.kernel.unix import UnixSocket

NONBLOCK, CLOEXEC = int(real.SOCK_NONBLOCK), int(real.SOCK_CLOEXEC)


class Over(Exception):
    """Nothing will ever come."""


class Held:
    """See `socket.socket`."""

    __slots__ = (
        "__weakref__", "_closed", "_fd", "_files", "_io_refs", "_process", "_timeout", "family", "proto", "type",
    )  # fmt: skip

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        process = current.process
        assert process is not None  # noqa: S101  # only fake processes get here
        self._process = process
        self._files: dict[int, Any] = process.descriptors.files
        self._timeout: float | None = real.getdefaulttimeout()
        self._io_refs = 0
        self._closed = False
        if fileno is not None:
            if not isinstance(fileno, int):
                raise TypeError(f"an integer is required, not {fileno.__class__.__name__}")
            if fileno < 0:
                raise ValueError("negative file descriptor")
            file: Any = process.descriptors.get(fileno)
            if not isinstance(file, InetSocket | UnixSocket):
                fail(errno.ENOTSOCK)
            self._fd = fileno
        else:
            family = real.AF_INET if family == -1 else int(family)
            kind = real.SOCK_STREAM if type == -1 else int(type)
            file = new_file(process, family, kind & ~(NONBLOCK | CLOEXEC), 0 if proto == -1 else proto)
            if kind & NONBLOCK:
                file.nonblocking = True
                self._timeout = 0.0
            self._fd = process.descriptors.open(file)
        self.family = real.AddressFamily(file.family)
        self.type = real.SocketKind(file.kind)
        self.proto = proto if proto > 0 else file.protocol if fileno is not None else 0
        if file.nonblocking and fileno is not None:
            self._timeout = 0.0
        elif self._timeout is not None:
            file.nonblocking = True

    # --- the object

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closed:
            self.close()

    def __repr__(self) -> str:
        state = " [closed]" if self._closed else ""
        return f"<fake socket.socket{state} fd={self.fileno()}, family={self.family}, type={self.type}>"

    def __getstate__(self) -> None:
        raise TypeError(f"cannot pickle {self.__class__.__name__!r} object")

    @property
    def file(self) -> Any:
        """The open file description. Raises EBADF."""
        file = self._files.get(self._fd)
        return file if file is not None else fail(errno.EBADF)

    def fileno(self) -> int:
        """See `socket`: -1 once closed."""
        return self._fd

    def detach(self) -> int:
        """See `socket`."""
        fd, self._fd, self._closed = self._fd, -1, True
        return fd

    def close(self) -> None:
        """See `socket`: the descriptor goes when the last file made of it does."""
        self._closed = True
        if self._io_refs <= 0:
            self._really_close()

    def _really_close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0 and (self._process.alive or fd in self._files):
            self._process.descriptors.close(fd)

    def _decref_socketios(self) -> None:
        if self._io_refs > 0:
            self._io_refs -= 1
        if self._closed:
            self.close()

    def dup(self) -> Self:
        """See `socket`."""
        fd = self._process.descriptors.open(self.file)
        twin = type(self)(fileno=fd)
        twin.settimeout(self._timeout)
        return twin

    makefile = real.socket.makefile

    # --- blocking or not

    def setblocking(self, flag: bool) -> None:
        """See `socket`."""
        self.settimeout(None if flag else 0.0)

    def settimeout(self, value: float | None) -> None:
        """See `socket`. In seconds."""
        if value is not None:
            if not isinstance(value, int | float):
                value = float(value)
            if value < 0.0:
                raise ValueError("Timeout value out of range")
            value = float(value)
        self._timeout = value
        self.file.nonblocking = value is not None

    def gettimeout(self) -> float | None:
        """See `socket`."""
        return self._timeout

    def getblocking(self) -> bool:
        """See `socket`."""
        return self._timeout != 0.0

    timeout = property(gettimeout)

    def get_inheritable(self) -> bool:
        """See `socket`."""
        return self._fd in self._process.descriptors.inheritable

    def set_inheritable(self, inheritable: bool) -> None:
        """See `socket`."""
        chosen = self._process.descriptors.inheritable
        chosen.add(self._fd) if inheritable else chosen.discard(self._fd)

    def _would_wait(self, mask: int, flags: int = 0) -> bool:
        """After EAGAIN: True once it is worth another try; False where the call must not block."""
        if self._timeout == 0.0 or flags & DONTWAIT:
            return False
        if mask == IN and self.file.kind == real.SOCK_DGRAM and self.file.shut_read:
            raise Over  # of datagrams: a call that does not wait never says so
        blocking.wait(self._process, self.file, mask, self._timeout)
        return True
