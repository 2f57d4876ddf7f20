"""The same calls on sockets of the fake kernel and of the real one, compared: what the property tests are made of.

Hypothesis draws sequences of calls on non-blocking sockets; both sides get them, one after the other, and after
each call whatever is under way arrives before the next.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from swrap.fake import Network

Call = tuple[Any, ...]
NAMES = {
    getattr(select, name): name
    for name in ("POLLIN", "POLLPRI", "POLLOUT", "POLLERR", "POLLHUP", "POLLRDHUP")
}
MASK = sum(NAMES)


class Side:
    """A few sockets and what calls on them come to, as text that can be compared."""

    def __init__(self, make: Callable[[], list[Any]]) -> None:
        self.sockets = make()

    def do(self, call: Call) -> str:
        """One call; a result, or the errno's name."""
        verb, index, *args = call
        sock = self.sockets[index % len(self.sockets)]
        try:
            return repr(getattr(self, verb)(sock, *args))
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, repr(error))
        except ValueError:
            return "ValueError"

    def close_all(self) -> None:
        for sock in self.sockets:
            sock.close()

    def send(self, sock: Any, size: int) -> int:
        return int(sock.send(b"abcdefgh" * (size // 8) + b"z" * (size % 8)))

    def sendto(self, sock: Any, to: int) -> int:
        return int(sock.sendto(b"to you", self.sockets[to % len(self.sockets)].getsockname()))

    def recvfrom(self, sock: Any, size: int) -> tuple[bytes, int | None]:
        """Who sent it, by its number: ports are not the same on both sides."""
        data, name = sock.recvfrom(size)
        known = [own.getsockname() if own.fileno() >= 0 else None for own in self.sockets]
        return bytes(data), known.index(name) if name in known else None

    def bind(self, sock: Any, _: int) -> None:
        sock.bind(("127.0.0.1", 0))

    def bound(self, sock: Any) -> bool:
        name = sock.getsockname()
        return bool(name[1] if isinstance(name, tuple) else name)

    def option(self, sock: Any, which: tuple[int, int]) -> int:
        return int(sock.getsockopt(*which))

    def set_option(self, sock: Any, which: tuple[tuple[int, int], int]) -> None:
        sock.setsockopt(*which[0], which[1])

    def recv(self, sock: Any, size: int) -> bytes:
        return bytes(sock.recv(size))

    def peek(self, sock: Any, size: int) -> bytes:
        return bytes(sock.recv(size, socket.MSG_PEEK))

    def recv_into(self, sock: Any, size: int) -> bytes:
        buffer = bytearray(size)
        count = sock.recv_into(buffer)
        return bytes(buffer[:count])

    def urgent(self, sock: Any, size: int) -> int:
        return int(sock.send(b"u" * size, socket.MSG_OOB))

    def recv_urgent(self, sock: Any, flags: int) -> bytes:
        return bytes(sock.recv(10, socket.MSG_OOB | flags))

    def inline(self, sock: Any, on: int) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, on)

    def at_mark(self, sock: Any) -> int:
        answer = bytearray(4)
        fcntl.ioctl(sock.fileno(), 0x8905, answer)  # SIOCATMARK
        return int.from_bytes(answer, sys.byteorder)

    def shutdown(self, sock: Any, how: int) -> None:
        sock.shutdown(how)

    def close(self, sock: Any) -> None:
        sock.close()

    def error(self, sock: Any) -> str:
        return errno.errorcode.get(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "0")

    def linger(self, sock: Any) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def poll(self, sock: Any) -> list[str]:
        if sock.fileno() < 0:
            return ["closed"]
        ready = select.poll()
        ready.register(sock, MASK)
        found = dict(ready.poll(0)).get(sock.fileno(), 0)
        return [name for bit, name in NAMES.items() if found & bit]

    def peername(self, sock: Any) -> bool:
        return bool(sock.getpeername() is not None)

    def accepting(self, sock: Any) -> int:
        return int(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    def listen(self, sock: Any) -> None:
        sock.listen(4)

    def accept(self, sock: Any) -> str:
        made, _ = sock.accept()
        made.setblocking(False)
        self.sockets.append(made)
        return "accepted"

    def connect(self, sock: Any, to: int) -> int:
        return int(sock.connect_ex(self.sockets[to % len(self.sockets)].getsockname()))

    def pass_on(self, sock: Any, which: int) -> int:
        return int(socket.send_fds(sock, [b"fd"], [self.sockets[which % len(self.sockets)].fileno()]))

    def take_over(self, sock: Any, room: int) -> str:
        data, fds, flags, _ = socket.recv_fds(sock, 100, room)
        for fd in fds:
            made = socket.socket(fileno=fd)
            made.setblocking(False)
            self.sockets.append(made)
        return f"{data!r} {len(fds)} {flags & ~socket.MSG_CMSG_CLOEXEC}"


def run_both(make: Callable[[], list[Any]], calls: Sequence[Call], *, settle: float = 0.0) -> None:
    """Do the calls on both sides and compare all that comes of them."""
    real = Side(make)
    try:
        expected = []
        time.sleep(settle)
        for call in calls:
            expected.append(real.do(call))
            if settle:
                time.sleep(settle)
    finally:
        real.close_all()

    async def program() -> list[str]:
        fake = Side(make)
        found = []
        await asyncio.sleep(0.01)
        for call in calls:
            found.append(fake.do(call))
            await asyncio.sleep(0.01)
        return found

    network = Network({"server": {"eth0": "10.0.0.1/24"}}, seed=1)
    found = network.run(lambda: network.on("server", program))
    differ = [
        f"{call}: fake {here}, Linux {there}"
        for call, here, there in zip(calls, found, expected, strict=True)
        if here != there
    ]
    assert not differ, differ[0]


def indices(*verbs: str, **arguments: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Call]]:
    """A strategy for each verb on any of the sockets."""
    return [
        st.tuples(st.just(verb), st.integers(0, 3), *([arguments[verb]] if verb in arguments else []))
        for verb in verbs
    ]


SIZES = st.sampled_from([1, 2, 7, 8, 100])
HOWS = st.sampled_from([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])

CHECKED = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    derandomize=True,
)
