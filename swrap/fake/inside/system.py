"""The `os`, `socket` and `fcntl` functions that deal with descriptors and processes, inside fake processes."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator, MutableMapping
from typing import Any

from swrap.fake.inside.blocking import wait
from swrap.fake.inside.current import inside
from swrap.fake.inside.facade import Around, Replacement, class_, descriptor_function, function, gap
from swrap.fake.inside.socket import FakeSocket
from swrap.fake.kernel import tcp_info
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.tcp import IN, OUT
from swrap.fake.kernel.unix import Credentials
from swrap.fake.kernel.unix_stream import UnixStream
from swrap.fake.process import Process

_INT = struct.Struct("i")


# --- descriptors


def _dup(process: Process, fd: int) -> int:
    return process.descriptors.open(process.descriptors.get(fd))


def _dup2(process: Process, fd: int, to: int, inheritable: bool = True) -> int:
    process.descriptors.replace(to, process.descriptors.get(fd))
    return to


def _read(process: Process, fd: int, size: int) -> bytes:
    file: Any = process.descriptors.get(fd)
    while True:
        try:
            return bytes(file.recv(size))
        except BlockingIOError:
            if file.nonblocking:
                raise
            wait(process, file, IN, None)


def _write(process: Process, fd: int, data: Any) -> int:
    file: Any = process.descriptors.get(fd)
    while True:
        try:
            return int(file.send(data))
        except BlockingIOError:
            if file.nonblocking:
                raise
            wait(process, file, OUT, None)


def _readv(process: Process, fd: int, buffers: Any) -> int:
    views = [memoryview(part).cast("B") for part in buffers]
    data = whole = _read(process, fd, sum(map(len, views)))
    for view in views:
        part, data = data[: len(view)], data[len(view) :]
        view[: len(part)] = part
    return len(whole)


def _set_inheritable(process: Process, fd: int, inheritable: bool) -> None:
    process.descriptors.get(fd)
    chosen = process.descriptors.inheritable
    chosen.add(fd) if inheritable else chosen.discard(fd)


def _set_blocking(process: Process, fd: int, blocking: bool) -> None:
    process.descriptors.get(fd).nonblocking = not blocking


def _fcntl(process: Process, fd: int, command: int, arg: Any = 0) -> int:
    file = process.descriptors.get(fd)
    match command:
        case fcntl.F_GETFL:
            return os.O_RDWR | (os.O_NONBLOCK if file.nonblocking else 0)
        case fcntl.F_SETFL:
            file.nonblocking = bool(arg & os.O_NONBLOCK)
            return 0
        case fcntl.F_GETFD:
            return 0 if fd in process.descriptors.inheritable else fcntl.FD_CLOEXEC
        case fcntl.F_SETFD:
            _set_inheritable(process, fd, not arg & fcntl.FD_CLOEXEC)
            return 0
        case fcntl.F_DUPFD | fcntl.F_DUPFD_CLOEXEC:
            number = process.descriptors.open(file, at_least=arg)
            if command == fcntl.F_DUPFD:
                process.descriptors.inheritable.add(number)
            return number
    raise NotImplementedError(f"the fake network has no fcntl command {command}")


def _ioctl(process: Process, fd: int, request: int, arg: Any = 0, mutate: bool = True) -> Any:
    file: Any = process.descriptors.get(fd)
    if request == tcp_info.TIOCOUTQ:
        answer = _INT.pack(tcp_info.unacked(file))
    elif request == tcp_info.FIONREAD:
        answer = _INT.pack(tcp_info.unread(file))
    elif request == tcp_info.SIOCATMARK:
        answer = _INT.pack(tcp_info.at_mark(file))
    else:
        from swrap.fake.inside.interfaces import ioctl

        answer = ioctl(process, request, bytes(arg))
    if isinstance(arg, bytes):
        return answer + arg[len(answer) :]
    if isinstance(arg, int):
        return arg
    memoryview(arg).cast("B")[: len(answer)] = answer
    return 0


def _socketpair(
    process: Process, family: int | None = None, type: int = socket.SOCK_STREAM, proto: int = 0
) -> tuple[FakeSocket, FakeSocket]:
    if family not in (None, socket.AF_UNIX):
        fail(errno.EOPNOTSUPP)
    ends = FakeSocket(socket.AF_UNIX, type, proto), FakeSocket(socket.AF_UNIX, type, proto)
    ends[0].file.join(ends[1].file)
    return ends


def pair(owner: Process, other: Process) -> tuple[int, int]:
    """A stream between two processes: a descriptor of each."""
    names = owner.world.unix
    ends = [UnixStream(names, Credentials(each.pid, os.getuid(), os.getgid())) for each in (owner, other)]
    ends[0].join(ends[1])
    return owner.descriptors.open(ends[0]), other.descriptors.open(ends[1])


# --- processes


def _kill(process: Process, pid: int, number: int) -> None:
    found = process.world.processes.get(pid)
    if found is None:
        fail(errno.ESRCH)
    found.signal(number)


class Environment(MutableMapping[str, str]):
    """`os.environ` of whichever process asks."""

    def __init__(self, real: MutableMapping[str, str]) -> None:
        self.real = real

    @property
    def _own(self) -> MutableMapping[str, str]:
        process = inside()
        return self.real if process is None else process.environment

    def __getitem__(self, name: str) -> str:
        return self._own[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._own[name] = value

    def __delitem__(self, name: str) -> None:
        del self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)

    def copy(self) -> dict[str, str]:
        """As `os.environ.copy`."""
        return dict(self._own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        class_(socket, "socket", FakeSocket),
        class_(socket, "SocketType", FakeSocket),
        function(socket, "socketpair", _socketpair),
        descriptor_function(socket, "close", lambda process, fd: process.descriptors.close(fd)),
        descriptor_function(socket, "dup", _dup),
        descriptor_function(os, "close", lambda process, fd: process.descriptors.close(fd)),
        descriptor_function(os, "dup", _dup),
        descriptor_function(os, "dup2", _dup2),
        descriptor_function(os, "read", _read),
        descriptor_function(os, "write", _write),
        descriptor_function(os, "readv", _readv),
        descriptor_function(os, "writev", lambda process, fd, parts: _write(process, fd, b"".join(parts))),
        descriptor_function(os, "set_inheritable", _set_inheritable),
        descriptor_function(os, "get_inheritable", lambda process, fd: fd in process.descriptors.inheritable),
        descriptor_function(os, "set_blocking", _set_blocking),
        descriptor_function(
            os, "get_blocking", lambda process, fd: not process.descriptors.get(fd).nonblocking
        ),
        descriptor_function(fcntl, "fcntl", _fcntl),
        descriptor_function(fcntl, "ioctl", _ioctl),
        function(os, "getpid", lambda process: process.pid),
        function(os, "getppid", lambda process: process.parent),
        function(os, "kill", _kill),
        function(os, "getenv", lambda process, name, default=None: process.environment.get(name, default)),
        (os, "environ", Around(Environment)),
        gap(os, "fork", "a fake process cannot fork; spawn another one"),
        gap(os, "pidfd_open", "the fake network has no pidfds; await Process.wait"),
        gap(signal, "signal", "signal.signal would be the real process's; use loop.add_signal_handler"),
    ]
