"""Link-local addresses and the lab: its rules, addresses that come and go, its capture. A scope is an interface's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from selftest.conformance.test_link_local import TOPOLOGY_LOCAL
from selftest.support import tshark
from selftest.support.network import Network, network
from selftest.support.shell import Shell
from selftest.switch.driver import soon
from swrap.switch.client import ControlError, control_call

SHOWN = (
    "__import__('psutil') and {n: [a.address for a in v if a.family == AF_INET6]"
    " for n, v in __import__('psutil').net_if_addrs().items() if n != 'lo'}"
)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Network]:
    """fe80::1 is the server and fe80::2 the laptop, on both links."""
    with network(tmp_path / "lab", topology=TOPOLOGY_LOCAL) as lab:
        yield lab


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Network]:
    """A lab whose file has no link-local address."""
    with network(tmp_path / "lab") as lab:
        yield lab


def do(lab: Network, verb: str, **args: Any) -> Any:
    return control_call(lab.directory, verb, **args)


def ends(stack: ExitStack, lab: Network) -> tuple[Shell, Shell]:
    """A server that listens on all its addresses, and a laptop."""
    server, laptop = (stack.enter_context(Shell(lab, host)) for host in ("server", "laptop"))
    server("l = create_server(('::', 445), family=AF_INET6, backlog=8)")
    return server, laptop


def dial(laptop: Shell, interface: str, to: str = "fe80::1") -> Any:
    """A connection by this interface of the laptop, as `c`; None, or the error within a fifth of a second."""
    laptop("c = socket(AF_INET6); c.settimeout(.2)")
    return laptop(f"c.connect(('{to}', 445, 0, if_nametoindex('{interface}')))")


def test_a_rule_means_an_address_on_the_link_of_its_scope_or_on_all(local: Network) -> None:
    with ExitStack() as stack:
        _, laptop = ends(stack, local)
        do(local, "block", address="fe80::1%server.wlan0")
        assert (dial(laptop, "wlan0"), dial(laptop, "eth0")) == ("timed out", None)
        do(local, "heal")
        do(local, "block", address="fe80::2%server.eth0", reject=True)  # any interface of that link names it
        assert (dial(laptop, "wlan0"), dial(laptop, "eth0")) == (None, "ECONNREFUSED")
        do(local, "heal")
        do(local, "block", address="fe80::1", state="new")
        assert (dial(laptop, "wlan0"), dial(laptop, "eth0")) == ("timed out", "timed out")
        assert dial(laptop, "eth0", "fd00:1::1") is None


def test_a_rule_counts_the_flows_of_that_link(local: Network) -> None:
    with ExitStack() as stack:
        server, laptop = ends(stack, local)
        for interface in ("eth0", "eth0", "wlan0"):
            assert dial(laptop, interface) is None
            laptop("k = globals().setdefault('k', []) + [c]")
            server("a = globals().setdefault('a', []) + [l.accept()[0]]")
        assert do(local, "reset", address="fe80::1%laptop.eth0")["flows"] == 2
        assert server("a[0].recv(1)") == "ECONNRESET"
        assert do(local, "reset", address="fe80::1")["flows"] == 1


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("fe80::1%server.eth7", "no interface server.eth7"),
        ("fe80::1%eth0", "no interface eth0"),
        ("10.0.1.1%server.eth0", "has no scope"),
        ("fd00:1::1%server.eth0", "has no scope"),
        ("fe80::1%", "no interface "),
    ],
)
def test_a_scope_that_says_nothing_is_refused(local: Network, address: str, complaint: str) -> None:
    with pytest.raises(ControlError, match=complaint):
        do(local, "block", address=address)


def test_one_comes_and_goes_and_is_reached_meanwhile(plain: Network) -> None:
    with ExitStack() as stack:
        server, laptop = ends(stack, plain)
        for interface in ("server.eth0", "server.wlan0"):  # on another link it is another address
            do(plain, "add-address", interface=interface, address="fe80::1/64")
        do(plain, "add-address", interface="laptop.eth0", address="fe80::2/64")
        with pytest.raises(ControlError, match=r"fe80::2 is taken: laptop\.eth0 has it"):
            do(plain, "add-address", interface="server.eth0", address="fe80::2/64")
        assert server(SHOWN) == {"eth0": ["fd00:1::1", "fe80::1%eth0"], "wlan0": ["fe80::1%wlan0"]}
        assert (dial(laptop, "eth0"), dial(laptop, "wlan0")) == (None, "ENETUNREACH")
        server("a = l.accept()[0]")
        assert server("a.getpeername()")[::3] == ("fe80::2", 2)
        with pytest.raises(
            ControlError, match=r"fe80::1 is there on several links: say fe80::1%server\.eth0"
        ):
            do(plain, "remove-address", address="fe80::1")
        assert do(plain, "remove-address", address="fe80::1%server.eth0")["flows"] == 1
        assert server(SHOWN) == {"eth0": ["fd00:1::1"], "wlan0": ["fe80::1%wlan0"]}
        assert dial(laptop, "eth0") == "timed out"
        do(plain, "remove-address", address="fe80::1")
        assert server(SHOWN)["wlan0"] == []


def test_the_capture_shows_what_is_on_a_wire(local: Network, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    do(local, "capture", file=str(file))
    with ExitStack() as stack:
        server, laptop = ends(stack, local)
        assert dial(laptop, "wlan0") is None
        laptop("c.sendall(b'hello')")
        server("a = l.accept()[0]")
        assert server("a.recv(9)") == b"hello"
        server("r = socket(AF_INET6, SOCK_DGRAM); r.settimeout(10); r.bind(('::', 4200))")
        laptop("u = socket(AF_INET6, SOCK_DGRAM)")
        laptop("u.sendto(b'?', ('fe80::1', 4200, 0, if_nametoindex('eth0')))")
        assert server("r.recv(9)") == b"?"
    do(local, "capture-stop")
    soon(lambda: do(local, "capture-status")["state"] == "ended")
    shown = tshark.packets(file, "ipv6.src", "ipv6.dst", only="tcp.len > 0 or udp")
    assert shown == [("fe80::2", "fe80::1")] * 2
    assert tshark.complaints(file) == []
    assert (
        b"\xfe\x80" + bytes(13) + b"\x01\x40" in file.read_bytes()
    )  # if_IPv6addr of the server's interfaces
