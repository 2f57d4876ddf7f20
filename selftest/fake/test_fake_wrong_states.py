"""Calls where they do not belong, options of every kind of socket, datagrams among several: as on Linux."""

from __future__ import annotations

import socket
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from selftest.fake.sides import CHECKED, HOWS, SIZES, Call, indices, run_both

SOL, TCP, IP = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP
SOCKET_OPTIONS = (
    "SO_TYPE", "SO_DOMAIN", "SO_PROTOCOL", "SO_ACCEPTCONN", "SO_ERROR", "SO_REUSEADDR", "SO_REUSEPORT",
    "SO_KEEPALIVE", "SO_BROADCAST", "SO_OOBINLINE", "SO_PRIORITY", "SO_RCVLOWAT", "SO_DONTROUTE",
)  # fmt: skip
OPTIONS = st.sampled_from([
    *((SOL, getattr(socket, name)) for name in SOCKET_OPTIONS),
    *((TCP, getattr(socket, name)) for name in ("TCP_NODELAY", "TCP_CORK", "TCP_KEEPIDLE", "TCP_KEEPCNT")),
    *((IP, getattr(socket, name)) for name in ("IP_TTL", "IP_TOS", "IP_MULTICAST_TTL", "IP_MULTICAST_LOOP")),
])  # fmt: skip


def one_of_each() -> list[Any]:
    """A socket of each kind that nothing was done to."""
    made = [
        socket.socket(family, kind)
        for family, kind in (
            (socket.AF_INET, socket.SOCK_STREAM),
            (socket.AF_INET, socket.SOCK_DGRAM),
            (socket.AF_UNIX, socket.SOCK_STREAM),
            (socket.AF_UNIX, socket.SOCK_DGRAM),
            (socket.AF_UNIX, socket.SOCK_SEQPACKET),
        )
    ]
    for sock in made:
        sock.setblocking(False)
    return made


def on_each(*verbs: str, **arguments: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Call]]:
    return [
        st.tuples(st.just(verb), st.integers(0, 4), *([arguments[verb]] if verb in arguments else []))
        for verb in verbs
    ]


@CHECKED
@given(
    st.lists(
        st.one_of(
            *on_each(
                "send", "recv", "peek", "recv_into", "listen", "accept", "shutdown", "poll", "peername", "bound",
                "error", "close", "recv_urgent",
                send=SIZES, recv=SIZES, peek=SIZES, recv_into=SIZES, shutdown=HOWS, recv_urgent=st.just(0),
            )
        ),
        max_size=10,
    )
)  # fmt: skip
@example([("listen", 0), ("recv_urgent", 0, 0)])
def test_calls_in_the_wrong_state_fail_as_on_linux(calls: list[Call]) -> None:
    run_both(one_of_each, calls)


@CHECKED
@given(
    st.lists(
        st.one_of(
            *on_each(
                "option", "set_option",
                option=OPTIONS, set_option=st.tuples(OPTIONS, st.sampled_from([0, 1, 2, 6])),
            )
        ),
        max_size=12,
    )
)  # fmt: skip
@example([("set_option", 2, ((SOL, socket.SO_REUSEADDR), 1)), ("option", 2, (SOL, socket.SO_REUSEADDR))])
def test_options_say_what_linux_says(calls: list[Call]) -> None:
    run_both(one_of_each, calls)


def three_udp() -> list[Any]:
    """Two that are bound, and one that is not."""
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for sock in made:
        sock.setblocking(False)
    for sock in made[:2]:
        sock.bind(("127.0.0.1", 0))
    return made


@CHECKED
@given(
    st.lists(
        st.one_of(
            *indices(
                "sendto", "recvfrom", "send", "connect", "bind", "bound", "shutdown", "close", "error", "poll",
                "peername",
                sendto=st.integers(0, 1), recvfrom=SIZES, send=SIZES, connect=st.integers(0, 1),
                bind=st.just(0), shutdown=HOWS,
            )
        ),
        max_size=14,
    )
)  # fmt: skip
@example([("send", 2, 1), ("bind", 2, 0)])
@example([("shutdown", 0, 0), ("sendto", 0, 0), ("recvfrom", 0, 1)])
def test_datagrams_among_several_go_as_on_linux(calls: list[Call]) -> None:
    run_both(three_udp, calls, settle=0.001)
