"""The fake kernel against the real one: the same calls on both, the same results and errnos."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.fake.sides import CHECKED, HOWS, SIZES, Call, indices, run_both

STREAM = st.lists(
    st.one_of(
        *indices(
            "send", "recv", "peek", "recv_into", "shutdown", "close", "error", "poll", "peername",
            send=SIZES, recv=SIZES, peek=SIZES, recv_into=SIZES, shutdown=HOWS,
        )
    ),
    max_size=14,
)  # fmt: skip


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


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_who_comes_first_a_reset_or_a_descriptor_that_is_none(kind: int) -> None:
    to_itself, take, end = ("pass_on", 0, 0), ("take_over", 1, 1), [("close", 0), ("close", 1)]
    run_both(unix_pair(kind), [to_itself, to_itself, end[0], take, end[1], ("pass_on", 2, 0)])


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


def test_who_has_shut_down_both_ways_refuses_what_comes() -> None:
    ends = [("error", 2), ("poll", 2), ("recv", 2, 1), ("poll", 0)]
    calls = [("shutdown", 2, socket.SHUT_RDWR), ("send", 0, 1), ("send", 0, 1), *ends]
    run_both(tcp_pair, [("poll", 0), ("accept", 1), ("close", 1), *calls], settle=0.002)


@pytest.mark.parametrize("read", ["recv", "recv_into", "peek"])
def test_a_read_at_the_mark_goes_past_it_though_there_is_nothing(read: str) -> None:
    calls = [("urgent", 0, 1), (read, 2, 1), ("recv_urgent", 2, 0), ("send", 0, 1), (read, 2, 1)]
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


def test_who_connects_to_itself_is_its_own_peer() -> None:
    calls: list[Call] = [
        ("connect", 1, 1), ("peername", 1), ("poll", 1), ("send", 1, 20), ("recv", 1, 9), ("recv", 1, 99), ("poll", 1),
        ("shutdown", 1, socket.SHUT_WR), ("recv", 1, 9), ("send", 1, 1), ("poll", 1), ("error", 1), ("close", 1),
    ]  # fmt: skip
    run_both(three, calls, settle=0.002)
    run_both(three, [("connect", 1, 1), ("send", 1, 9), ("close", 1), ("connect", 0, 1)], settle=0.002)


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
