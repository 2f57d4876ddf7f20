"""How long a program waits for ACKs is what it said: TCP_USER_TIMEOUT and keep-alive end a dead flow with ETIMEDOUT."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator

import pytest

from selftest.support.network import Network, network
from selftest.support.shell import Shell
from swrap.switch.client import control_call

KEEP_ALIVE = (
    "setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)",
    "setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, 1)",
    "setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, 1)",
    "setsockopt(IPPROTO_TCP, TCP_KEEPCNT, 1)",
)
USER_TIMEOUT = ("setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 300)",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Server and laptop through a switch."""
    with network(tmp_path_factory.mktemp("net") / "lab") as running:
        yield running


@pytest.fixture
def ends(lab: Network) -> Iterator[tuple[Shell, Shell]]:
    """A server with a listener `l` of port 445, and a laptop with a socket `s`; the network is healthy afterwards."""
    with Shell(lab, "server") as server, Shell(lab, "laptop") as laptop:
        server("l = create_server(('10.0.1.1', 445))")
        laptop("s = socket()")
        yield server, laptop
        do(lab, "heal")


def do(lab: Network, verb: str, **args: object) -> None:
    """A command to the switch."""
    control_call(lab.directory, verb, **args)


def dies(shell: Shell, name: str, within: float) -> float:
    """Seconds until the socket `name` is in error, which is ETIMEDOUT."""
    began = time.monotonic()
    assert shell(f"bool(select.select([{name}], [], [], {within})[0])")
    took = time.monotonic() - began
    assert shell(f"{name}.recv(1)") == "ETIMEDOUT"
    return took


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_user_timeout_ends_a_flow_with_data_that_nobody_acks(
    lab: Network, ends: tuple[Shell, Shell], when: str
) -> None:
    server, laptop = ends
    if when == "before":
        laptop(f"s.{USER_TIMEOUT[0]}")
    laptop("s.connect(('10.0.1.1', 445))")
    server("c, _ = l.accept()")
    if when == "after":
        laptop(f"s.{USER_TIMEOUT[0]}")
    do(lab, "link", interface="server.eth0", up=False)
    laptop("s.send(b'lost')")
    assert 0.2 < dies(laptop, "s", 5) < 3


def test_keep_alive_ends_a_flow_on_which_nothing_is_said(lab: Network, ends: tuple[Shell, Shell]) -> None:
    server, laptop = ends
    for line in KEEP_ALIVE:
        laptop(f"s.{line}")
    laptop("s.connect(('10.0.1.1', 445))")
    server("c, _ = l.accept()")
    assert not laptop("select.select([s], [], [], 1.5)[0]")
    do(lab, "link", interface="server.eth0", up=False)
    assert 1 < dies(laptop, "s", 10) < 6


def test_an_accepted_socket_has_its_listeners_patience(lab: Network, ends: tuple[Shell, Shell]) -> None:
    server, laptop = ends
    for line in KEEP_ALIVE:
        server(f"l.{line}")
    laptop("s.connect(('10.0.1.1', 445))")
    server("c, _ = l.accept()")
    do(lab, "block", host="laptop", direction="out")
    assert 1 < dies(server, "c", 10) < 6
    assert not laptop("select.select([s], [], [], 0)[0]")


def test_patience_that_is_taken_back_is_endless(lab: Network, ends: tuple[Shell, Shell]) -> None:
    server, laptop = ends
    laptop("s.connect(('10.0.1.1', 445))")
    server("c, _ = l.accept()")
    do(lab, "link", interface="server.eth0", up=False)
    laptop("s.send(b'held')")
    laptop(f"s.{USER_TIMEOUT[0]}")
    laptop("s.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 0)")
    assert not laptop("select.select([s], [], [], 1)[0]")
    do(lab, "heal")
    assert server("c.recv(4)") == b"held"


@pytest.mark.parametrize(
    ("option", "least", "most"), [("TCP_SYNCNT, 1", 2.9, 4.5), ("TCP_USER_TIMEOUT, 700", 0.6, 2.5)]
)
@pytest.mark.parametrize("blocking", [True, False])
def test_how_long_a_syn_is_repeated_is_the_programs_affair(
    lab: Network, ends: tuple[Shell, Shell], option: str, least: float, most: float, blocking: bool
) -> None:
    _, laptop = ends
    do(lab, "link", interface="server.eth0", up=False)
    laptop(f"s.setsockopt(IPPROTO_TCP, {option})")
    began = time.monotonic()
    if blocking:
        assert laptop("s.connect(('10.0.1.1', 445))") == "ETIMEDOUT"
    else:
        laptop("s.setblocking(False)")
        assert laptop("s.connect(('10.0.1.1', 445))") == "EINPROGRESS"
        assert laptop("bool(select.select([], [s], [], 10)[1])")
        assert laptop("s.getsockopt(SOL_SOCKET, SO_ERROR)") == errno.ETIMEDOUT
    assert least < time.monotonic() - began < most
