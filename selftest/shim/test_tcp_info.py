"""What a program can learn of its connection under a fault is true: SIOCOUTQ, and TCP_INFO's rtt, rto, backoff, unacked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from selftest.support.network import Network, network
from selftest.support.shell import Shell
from swrap.switch.client import control_call

LOOK = (
    "i = s.getsockopt(IPPROTO_TCP, TCP_INFO, 232); "
    "u = lambda at: int.from_bytes(i[at:at + 4], 'little'); "
    "q = int.from_bytes(fcntl.ioctl(s, 0x5411, bytes(4)), 'little'); "
    "info = dict(state=i[0], retransmits=i[2], backoff=i[4], rto=u(8), unacked=u(24), rtt=u(68), outq=q)"
)
"""By the offsets of struct tcp_info in linux/tcp.h; 0x5411 is SIOCOUTQ."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Server and laptop through a switch."""
    with network(tmp_path_factory.mktemp("net") / "lab") as running:
        yield running


@pytest.fixture
def ends(lab: Network) -> Iterator[tuple[Shell, Shell]]:
    """A server with a connection `c`, and the laptop with its other end `s`."""
    with Shell(lab, "server") as server, Shell(lab, "laptop") as laptop:
        server("l = create_server(('10.0.1.1', 445))")
        laptop("s = create_connection(('10.0.1.1', 445))")
        server("c, _ = l.accept()")
        yield server, laptop
        control_call(lab.directory, "heal")


def info(shell: Shell) -> dict[str, int]:
    """What the program sees now."""
    shell(LOOK)
    seen: dict[str, int] = shell("info")
    return seen


def soon(shell: Shell, condition: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """What it sees once that is true."""
    end = time.monotonic() + 10
    while not condition(seen := info(shell)):
        assert time.monotonic() < end, seen
        time.sleep(0.01)
    return seen


def test_the_paths_delay_is_the_round_trip_time(lab: Network, ends: tuple[Shell, Shell]) -> None:
    server, laptop = ends
    before = info(laptop)
    assert before["rtt"] < 5000
    control_call(lab.directory, "delay", interface="server.eth0", time=0.1)
    laptop("s.send(b'12345')")
    seen = info(laptop)
    assert 200_000 <= seen["rtt"] < 205_000
    assert seen["rto"] >= 400_000
    assert (seen["state"], seen["unacked"], seen["outq"]) == (1, 1, 5)
    assert server("c.recv(5)") == b"12345"
    soon(laptop, lambda seen: seen["outq"] == seen["unacked"] == 0)


def test_on_a_dead_path_bytes_pile_up_and_the_timeout_doubles(
    lab: Network, ends: tuple[Shell, Shell]
) -> None:
    _, laptop = ends
    control_call(lab.directory, "link", interface="server.eth0", up=False)
    laptop("s.send(bytes(10_000))")
    first = info(laptop)
    assert first["outq"] == 10_000
    assert first["unacked"] == -(-10_000 // 1460)
    seen = soon(laptop, lambda seen: seen["backoff"] >= 2)
    assert seen["retransmits"] == seen["backoff"]
    assert seen["rto"] == 200_000 << seen["backoff"]
    control_call(lab.directory, "heal")
    healed = soon(laptop, lambda seen: seen["outq"] == 0)
    assert (healed["backoff"], healed["rto"]) == (0, first["rto"])


def test_lost_acks_keep_the_count_where_it_was(lab: Network, ends: tuple[Shell, Shell]) -> None:
    server, laptop = ends
    laptop("s.send(b'before')")
    assert server("c.recv(6)") == b"before"
    assert soon(laptop, lambda seen: seen["outq"] == 0)
    control_call(lab.directory, "lose-acks", host="laptop", direction="out")
    for number in range(1, 4):
        laptop("s.send(b'arrives')")
        assert server("c.recv(7)") == b"arrives"
        assert info(laptop)["outq"] == 7 * number
    server("c.send(b'heard')")
    assert laptop("s.recv(5)") == b"heard"
    assert info(laptop)["outq"] == 21
