"""The fake kernel against the real one: the same calls on both, the same results and errnos.

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

import pytest
from hypothesis import HealthCheck, Phase, given, settings
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
    assert list(zip(calls, found, strict=True)) == list(zip(calls, expected, strict=True))


def indices(*verbs: str, **arguments: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Call]]:
    """A strategy for each verb on any of the sockets."""
    return [
        st.tuples(st.just(verb), st.integers(0, 3), *([arguments[verb]] if verb in arguments else []))
        for verb in verbs
    ]


SIZES = st.sampled_from([1, 2, 7, 8, 100])
HOWS = st.sampled_from([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
STREAM = st.lists(
    st.one_of(
        *indices(
            "send", "recv", "peek", "recv_into", "shutdown", "close", "error", "poll", "peername",
            send=SIZES, recv=SIZES, peek=SIZES, recv_into=SIZES, shutdown=HOWS,
        )
    ),
    max_size=14,
)  # fmt: skip
CHECKED = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    derandomize=True,
)


def unix_pair(kind: int) -> Callable[[], list[Any]]:
    def make() -> list[Any]:
        ends = socket.socketpair(socket.AF_UNIX, kind)
        for end in ends:
            end.setblocking(False)
        return list(ends)

    return make


@CHECKED
@given(STREAM)
def test_a_unix_stream_does_what_linux_does(calls: list[Call]) -> None:
    run_both(unix_pair(socket.SOCK_STREAM), calls)


@CHECKED
@given(STREAM)
def test_unix_packets_do_what_linux_does(calls: list[Call]) -> None:
    run_both(unix_pair(socket.SOCK_SEQPACKET), calls)


@CHECKED
@given(STREAM)
def test_unix_datagrams_do_what_linux_does(calls: list[Call]) -> None:
    run_both(unix_pair(socket.SOCK_DGRAM), calls)


PASSING = st.lists(
    st.one_of(
        *indices(
            "pass_on", "take_over", "send", "recv", "close", "poll",
            pass_on=st.integers(0, 3), take_over=st.integers(0, 2), send=SIZES, recv=SIZES,
        )
    ),
    max_size=12,
)  # fmt: skip


@CHECKED
@given(PASSING)
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_descriptors_are_passed_as_linux_passes_them(kind: int, calls: list[Call]) -> None:
    run_both(unix_pair(kind), calls)


def tcp_pair() -> list[Any]:
    """Both ends of a connection over lo."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    return [client, listener]


@CHECKED
@given(STREAM)
def test_a_connection_does_what_linux_does(calls: list[Call]) -> None:
    run_both(tcp_pair, [("poll", 0), ("accept", 1), ("close", 1), *calls], settle=0.002)


# One urgent byte at a time: of two that are unread, Linux drops or keeps the first, as the reader happens to stand.
URGENT = st.tuples(
    st.lists(st.one_of(*indices("send", send=SIZES), *indices("inline", inline=st.integers(0, 1))), max_size=3),
    st.tuples(st.just("urgent"), st.just(0), st.sampled_from([1, 5])),
    st.lists(
        st.one_of(
            *indices(
                "send", "recv", "peek", "recv_into", "recv_urgent", "at_mark", "poll", "shutdown",
                send=SIZES, recv=SIZES, peek=SIZES, recv_into=SIZES, shutdown=HOWS,
                recv_urgent=st.sampled_from([0, socket.MSG_PEEK]),
            )
        ),
        max_size=10,
    ),
).map(lambda parts: [*parts[0], parts[1], *parts[2]])  # fmt: skip


@CHECKED
@given(URGENT)
def test_urgent_data_is_what_it_is_on_linux(calls: list[Call]) -> None:
    run_both(tcp_pair, [("poll", 0), ("accept", 1), ("close", 1), *calls], settle=0.002)


# Without shutdown: that of a socket whose connect has failed leaves Linux in a state of its own.
LIFE = st.lists(
    st.one_of(
        *indices(
            "send", "recv", "close", "error", "poll", "peername", "accepting", "listen", "accept", "connect",
            "linger",
            send=SIZES, recv=SIZES, connect=st.integers(0, 3),
        )
    ),
    max_size=12,
)  # fmt: skip


def three() -> list[Any]:
    """Sockets that are bound, one that is not, and a listener."""
    made = [socket.socket() for _ in range(3)]
    for sock in made:
        sock.setblocking(False)
    for sock in made[1:]:
        sock.bind(("127.0.0.1", 0))
    made[2].listen(4)
    return made


@CHECKED
@given(LIFE)
def test_a_sockets_life_is_what_it_is_on_linux(calls: list[Call]) -> None:
    run_both(three, calls, settle=0.002)


def two_udp() -> list[Any]:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in made:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
    return made


@CHECKED
@given(
    st.lists(
        st.one_of(
            *indices(
                "send", "recv", "peek", "shutdown", "close", "error", "poll", "peername", "connect",
                send=SIZES, recv=SIZES, peek=SIZES, shutdown=HOWS, connect=st.integers(0, 1),
            )
        ),
        max_size=12,
    )
)  # fmt: skip
def test_udp_does_what_linux_does(calls: list[Call]) -> None:
    run_both(two_udp, [("connect", 0, 1), *calls], settle=0.001)


def test_a_difference_is_found() -> None:
    """The comparison can fail: here the two sides are not asked the same."""
    sizes = iter([1, 2])

    def make() -> list[Any]:
        ends = unix_pair(socket.SOCK_STREAM)()
        ends[0].send(b"x" * next(sizes))
        return ends

    with pytest.raises(AssertionError):
        run_both(make, [("recv", 1, 100)])
