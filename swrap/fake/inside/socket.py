"""`socket.socket` as a fake process sees it.

Owns the object: arguments, time-outs, makefile, the descriptor that it is. What a call does is the file's
(``kernel``). Its errors are the `socket` module's own.
"""

from __future__ import annotations

import array
import errno
import socket as real
from collections.abc import Iterable
from typing import Any

from swrap.fake.inside import blocking
from swrap.fake.inside.creation import new_file
from swrap.fake.inside.current import current
from swrap.fake.kernel import ancillary, options
from swrap.fake.kernel.address import parse
from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.tcp import DONTWAIT, IN, OUT, PEEK, TcpSocket
from swrap.fake.kernel.udp import UdpSocket
from swrap.fake.kernel.unix import UnixSocket
from swrap.fake.kernel.unix_stream import UnixStream

NONBLOCK, CLOEXEC = int(real.SOCK_NONBLOCK), int(real.SOCK_CLOEXEC)
WAITALL, TRUNC = int(real.MSG_WAITALL), int(real.MSG_TRUNC)


class _Over(Exception):
    """Nothing will ever come."""


class FakeSocket:
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

    def __enter__(self) -> FakeSocket:
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

    def dup(self) -> FakeSocket:
        """See `socket`."""
        fd = self._process.descriptors.open(self.file)
        twin = FakeSocket(fileno=fd)
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
            raise _Over  # of datagrams: a call that does not wait never says so
        blocking.wait(self._process, self.file, mask, self._timeout)
        return True

    # --- names

    def _address(self, address: Any) -> Any:
        """A program's address as the file takes it."""
        file = self.file
        if isinstance(file, InetSocket):
            return parse(file.family, address, file.host.resolve)
        if not isinstance(address, str | bytes | bytearray | memoryview):
            raise TypeError(f"a bytes-like object is required, not '{type(address).__name__}'")
        return address if isinstance(address, str) else bytes(address)

    def bind(self, address: Any) -> None:
        """See bind(2)."""
        self.file.bind(self._address(address))

    def getsockname(self) -> Any:
        """See getsockname(2)."""
        file = self.file
        return file.shown(file.local) if isinstance(file, InetSocket) else file.name or ""

    def getpeername(self) -> Any:
        """See getpeername(2). Raises ENOTCONN."""
        file = self.file
        if isinstance(file, InetSocket):
            connected = isinstance(file, UdpSocket) or (
                isinstance(file, TcpSocket) and file.state == "established"
            )
            if not connected or not file.remote or not file.remote.port:  # type: ignore[attr-defined]
                fail(errno.ENOTCONN)
            return file.shown(file.remote)  # type: ignore[attr-defined]
        if file.peer is None:
            fail(errno.ENOTCONN)
        return file.peer.name or ""

    # --- connections

    def listen(self, backlog: int = 128) -> None:
        """See listen(2)."""
        file = self.file
        if not hasattr(file, "listen"):
            fail(errno.EOPNOTSUPP)
        file.listen(backlog)

    def accept(self) -> tuple[FakeSocket, Any]:
        """See accept(2)."""
        while True:
            try:
                file = self.file
                if not hasattr(file, "accept"):
                    fail(errno.EOPNOTSUPP)
                taken = file.accept()
                break
            except BlockingIOError:
                if not self._would_wait(IN):
                    raise
        sock = FakeSocket(fileno=self._process.descriptors.open(taken))
        sock._timeout = real.getdefaulttimeout()
        if isinstance(taken, InetSocket):
            return sock, taken.shown(taken.remote)  # type: ignore[attr-defined]
        return sock, taken.peer.name or ""

    def connect(self, address: Any) -> None:
        """See connect(2)."""
        file = self.file
        try:
            file.connect(self._address(address))
        except BlockingIOError as error:
            if self._timeout == 0.0:
                raise
            if error.errno == errno.EAGAIN:
                raise NotImplementedError(
                    "connect would block on a full AF_UNIX backlog; use asyncio"
                ) from None
            try:
                blocking.wait(self._process, file, OUT, self._timeout)
            except BlockingIOError:
                fail(errno.EINPROGRESS)  # its own time-out (socket(7))
            file.connect_outcome()

    def connect_ex(self, address: Any) -> int:
        """See `socket`."""
        try:
            self.connect(address)
        except OSError as error:
            if error.errno is None:
                raise
            return error.errno
        return 0

    def shutdown(self, how: int) -> None:
        """See shutdown(2)."""
        self.file.shutdown(how)

    # --- bytes out

    def send(self, data: Any, flags: int = 0) -> int:
        """See send(2)."""
        while True:
            try:
                return self._files[self._fd].send(data if type(data) is bytes else _bytes(data), flags)  # type: ignore[no-any-return]
            except KeyError:
                fail(errno.EBADF)
            except BlockingIOError:
                if not self._would_wait(OUT, flags):
                    raise

    def sendall(self, data: Any, flags: int = 0) -> None:
        """See `socket`."""
        view = _bytes(data)
        done = 0
        while True:
            done += self.send(view[done:] if done else view, flags)
            if done >= len(view):
                return

    def sendto(self, data: Any, *rest: Any) -> int:
        """See sendto(2)."""
        if len(rest) not in (1, 2):
            raise TypeError(f"sendto() takes 2 or 3 arguments ({1 + len(rest)} given)")
        flags, address = rest if len(rest) == 2 else (0, rest[0])
        return self.sendmsg([data], (), flags, address)

    def sendmsg(
        self, buffers: Iterable[Any], ancdata: Iterable[Any] = (), flags: int = 0, address: Any = None
    ) -> int:
        """See sendmsg(2); the files of SCM_RIGHTS are this process's."""
        parts = [_bytes(part) for part in buffers]
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        ancdata = [*ancdata]
        if isinstance(self.file, UnixStream):
            self.file.check_packets()
        files = self._passed(ancdata)
        where = None if address is None else self._address(address)
        while True:
            try:
                file = self.file
                if isinstance(file, TcpSocket):
                    if files:
                        fail(errno.EINVAL)
                    return file.send(data, flags)
                if isinstance(file, UdpSocket):
                    said = ancillary.sending(file, ancdata) if ancdata else None
                    return file.sendto(bytes(data), where, flags, said)
                return file.sendmsg(data, files, flags, where)  # type: ignore[no-any-return]
            except BlockingIOError:
                if not self._would_wait(OUT, flags):
                    raise

    def _passed(self, ancdata: Iterable[Any]) -> tuple[File, ...]:
        files: list[File] = []
        for level, kind, raw in ancdata:
            if (level, kind) == (real.SOL_SOCKET, real.SCM_RIGHTS):
                numbers = array.array("i", bytes(raw) if not isinstance(raw, array.array) else raw.tobytes())
                files += [self._process.descriptors.get(number) for number in numbers]
            elif (level, kind) != (real.SOL_SOCKET, real.SCM_CREDENTIALS) and not (
                level in (ancillary.IP, ancillary.IP6) and self.type == real.SOCK_DGRAM
            ):
                raise NotImplementedError(f"the fake network has no control message {level}/{kind}")
        if files and self.family != real.AF_UNIX:
            fail(errno.EINVAL)
        if len(files) > 253:
            fail(errno.EINVAL)
        return tuple(files)

    # --- bytes in

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See recv(2)."""
        if size < 0:
            raise ValueError("negative buffersize in recv")
        while True:
            try:
                file = self._files[self._fd]
                if flags & WAITALL:
                    return self._wait_all(file, size, flags)
                return file.recv(size, flags)  # type: ignore[no-any-return]
            except KeyError:
                fail(errno.EBADF)
            except BlockingIOError:
                try:
                    if not self._would_wait(IN, flags):
                        raise
                except _Over:
                    return b""

    def _wait_all(self, file: Any, size: int, flags: int) -> bytes:
        data = bytes(file.recv(size, flags & ~WAITALL))
        while len(data) < size and self._timeout != 0.0 and not flags & (DONTWAIT | PEEK):
            try:
                more = self.recv(size - len(data))
            except BlockingIOError:
                break
            if not more:
                break
            data += more
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """See `socket`."""
        view = memoryview(buffer).cast("B")
        if nbytes:
            if nbytes > len(view):
                raise ValueError("buffer too small for requested bytes")
            view = view[:nbytes]
        while True:
            try:
                return self._files[self._fd].recv_into(view, flags)  # type: ignore[no-any-return]
            except KeyError:
                fail(errno.EBADF)
            except BlockingIOError:
                if not self._would_wait(IN, flags):
                    raise

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """See recvfrom(2)."""
        file = self._files.get(self._fd)
        if type(file) is UdpSocket and file.queue:
            data, source, _ = file.recvfrom(size, flags)
            return data, file.shown(source)
        data, _, _, address = self.recvmsg(size, 0, flags)
        return data, address

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """See `socket`."""
        view = memoryview(buffer).cast("B")
        data, address = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), address

    def recvmsg(self, size: int, ancbufsize: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, Any]:
        """See recvmsg(2); files that come along become descriptors of this process, as far as there is room."""
        while True:
            try:
                file = self.file
                if isinstance(file, UdpSocket):
                    data, found, told, source = file.recvmsg(size, ancbufsize, flags)
                    if flags & told & TRUNC:
                        raise NotImplementedError("MSG_TRUNC asks for a length that Python cannot give")
                    return data, found, told, None if source is None else file.shown(source)
                if isinstance(file, TcpSocket):
                    return file.recv(size, flags), [], 0, None
                data, files, told, *sender = file.recvmsg(size, flags)
                ancillary, cut = self._installed(files, ancbufsize)
                return data, ancillary, told | cut, sender[0] if sender else ""
            except BlockingIOError:
                if not self._would_wait(IN, flags):
                    raise

    def _installed(self, files: tuple[File, ...], room: int) -> tuple[list[Any], int]:
        fit = max(0, room - real.CMSG_LEN(0)) // 4 if room else 0
        numbers = array.array("i")
        for file in files[:fit]:
            numbers.append(self._process.descriptors.open(file))
        for file in files:
            file.release()  # the message held it
        ancillary = [(real.SOL_SOCKET, real.SCM_RIGHTS, numbers.tobytes())] if numbers else []
        return ancillary, real.MSG_CTRUNC if len(files) > fit else 0

    def recvmsg_into(
        self, buffers: Iterable[Any], ancbufsize: int = 0, flags: int = 0
    ) -> tuple[int, list[Any], int, Any]:
        """See `socket`."""
        views = [memoryview(part).cast("B") for part in buffers]
        data, ancillary, told, address = self.recvmsg(sum(map(len, views)), ancbufsize, flags)
        at = 0
        for view in views:
            part = data[at : at + len(view)]
            view[: len(part)] = part
            at += len(part)
        return len(data), ancillary, told, address

    # --- options

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> int | bytes:
        """See getsockopt(2)."""
        return options.get(self.file, level, optname, buflen)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """See setsockopt(2)."""
        options.set(self.file, level, optname, value)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """See `socket`."""
        if offset:
            file.seek(offset)
        sent = 0
        while count is None or sent < count:
            piece = file.read(65536 if count is None else min(65536, count - sent))
            if not piece:
                break
            self.sendall(piece)
            sent += len(piece)
        return sent

    _sendfile_use_send = sendfile


def _bytes(data: Any) -> Any:
    """Something that has a length in bytes and can be cut; copied only by whoever keeps it."""
    if isinstance(data, bytes | bytearray):
        return data
    if isinstance(data, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    view = memoryview(data)
    return view if view.format == "B" and view.ndim == 1 and view.contiguous else view.cast("B")
