"""`socket.socket` as a fake process sees it.

Owns its calls: arguments, and when to try again. What a call does is the file's (``kernel``), what the object is
``held``'s. Its errors are the `socket` module's own.
"""

from __future__ import annotations

import errno
import socket as real
from collections.abc import Iterable
from typing import Any

from swrap.fake.inside import blocking, rights
from swrap.fake.inside.held import Held, Over
from swrap.fake.kernel import ancillary, options
from swrap.fake.kernel.address import parse
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.inet import InetSocket
from swrap.fake.kernel.tcp import IN, OUT, TcpSocket
from swrap.fake.kernel.tcp_receiver import DONTWAIT, PEEK
from swrap.fake.kernel.udp import UdpSocket
from swrap.fake.kernel.unix_stream import UnixStream

WAITALL, TRUNC = int(real.MSG_WAITALL), int(real.MSG_TRUNC)


class FakeSocket(Held):
    """See `socket.socket`."""

    __slots__ = ()

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
        files = rights.passed(self._process, ancdata, self.family, self.type)
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
                except Over:
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
                ancillary, cut = rights.installed(self._process, files, ancbufsize)
                return data, ancillary, told | cut, sender[0] if sender else ""
            except BlockingIOError:
                if not self._would_wait(IN, flags):
                    raise

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
