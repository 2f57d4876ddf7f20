"""Datagrams between hosts: the way they take, what cables and rules do to them, groups, broadcasts, and strangers."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest

from selftest.support.network import TOPOLOGY, Network, network
from selftest.support.shell import Shell
from swrap.abi.names import service_address
from swrap.abi.options import GapKind, gaps
from swrap.abi.page import Page
from swrap.lab.gaps import CALLS, what
from swrap.switch.client import control_call
from swrap.topology import Host, Interface, Topology

HOSTS = Topology((*TOPOLOGY.hosts, Host("desk", (Interface("eth0", (ip_interface("10.0.1.3/24"),)),))))
Start = Callable[..., Shell]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Server and laptop on two networks, and a desk on the first."""
    with network(tmp_path_factory.mktemp("net") / "lab", topology=HOSTS) as running:
        yield running


@pytest.fixture(scope="module", params=["direct", "switched"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The same hosts, without a switch and with one."""
    if request.param == "switched":
        yield request.getfixturevalue("three")
        return
    with network(tmp_path_factory.mktemp("net") / "lab", topology=HOSTS, direct=True) as running:
        yield running


def beginning(stack: ExitStack, lab: Network) -> Start:
    def begin(host: str, *lines: str, family: str = "AF_INET") -> Shell:
        shell = stack.enter_context(Shell(lab, host))
        for line in (f"s = socket({family}, SOCK_DGRAM)", "s.settimeout(10)", *lines):
            shell(line)
        return shell

    return begin


@pytest.fixture
def start(three: Network) -> Iterator[Start]:
    """`start("laptop")` is a shell there with a datagram socket `s`; further lines are said to it. Healthy afterwards."""
    with ExitStack() as stack:
        yield beginning(stack, three)
        do(three, "heal")


@pytest.fixture
def begin(either: Network) -> Iterator[Start]:
    """As `start`, without a switch and with one."""
    with ExitStack() as stack:
        yield beginning(stack, either)


def do(lab: Network, verb: str, **args: Any) -> Any:
    return control_call(lab.directory, verb, **args)


def twins(lab: Network) -> int:
    """How many ends of datagram sockets the switch has: what it accepted has the name of its door."""
    do(lab, "ping")  # what ended before has been seen
    page = Page.open(lab.directory / "page")
    door = service_address(page, "datagram").decode().replace("\0", "@")
    page.close()
    return Path("/proc/net/unix").read_text().split().count(door) - 1


def has_switch(lab: Network) -> bool:
    page = Page.open(lab.directory / "page")
    door = service_address(page, "datagram").decode().replace("\0", "@")
    page.close()
    return door in Path("/proc/net/unix").read_text().split()


def heard(shell: Shell) -> list[bytes]:
    """What is in the socket's queue, now that the switch, if any, has passed on all that was sent before it was asked."""
    if has_switch(shell.lab):
        do(shell.lab, "ping")
    shell("s.setblocking(False)")
    got: list[bytes] = []
    while (data := shell("s.recv(70000)")) != "EAGAIN":
        got.append(data)
    shell("s.settimeout(10)")
    return got


@pytest.mark.parametrize(
    ("family", "to", "sender"),
    [
        ("AF_INET", "10.0.1.1", "10.0.1.2"),
        ("AF_INET", "10.0.2.1", "10.0.2.2"),
        ("AF_INET6", "fd00:1::1", "fd00:1::2"),
        ("AF_INET6", "::ffff:10.0.2.1", "::ffff:10.0.2.2"),
    ],
)
def test_a_sender_has_the_address_on_the_way(begin: Start, family: str, to: str, sender: str) -> None:
    server = begin("server", "s.bind(('', 53))", family=family)
    laptop = begin("laptop", f"s.sendto(b'?', ('{to}', 53))", family=family)
    data, peer = server("s.recvfrom(99)")[0:2]
    assert (data, peer[0], peer[1]) == (b"?", sender, laptop("s.getsockname()")[1])
    server(f"s.sendto(b'!', {peer!r})")
    assert laptop("s.recvfrom(99)[1][:2]") == (to, 53)


def test_a_receiver_learns_the_interface_and_a_sender_may_choose_its_address(begin: Start) -> None:
    server = begin("server", "s.bind(('', 53))", "s.setsockopt(IPPROTO_IP, 8, 1)")
    laptop = begin("laptop", "s.sendto(b'?', ('10.0.2.1', 53))")
    _, control, _, peer = server("s.recvmsg(9, 100)")
    assert [(level, kind) for level, kind, _ in control] == [(0, 8)]
    assert struct.unpack("i4s4s", control[0][2]) == (
        3,
        socket.inet_aton("10.0.2.1"),
        socket.inet_aton("10.0.2.1"),
    )
    # An answer from the other address: what a multihomed server must not do by accident, but may on purpose.
    server(
        f"s.sendmsg([b'!'], [(0, 8, struct.pack('i4s4s', 0, inet_aton('10.0.1.1'), bytes(4)))], 0, {peer!r})"
    )
    assert laptop("s.recvfrom(9)") == (b"!", ("10.0.1.1", 53))


@pytest.mark.parametrize("cable", ["server.eth0", "laptop.eth0"])
def test_a_pulled_cable_swallows(three: Network, start: Start, cable: str) -> None:
    server = start("server", "s.bind(('', 53))")
    laptop = start("laptop", "s.bind(('', 53))")
    do(three, "link", interface=cable, up=False)
    assert laptop("s.sendto(b'lost', ('10.0.1.1', 53))") == 4
    assert server("s.sendto(b'lost', ('10.0.1.2', 53))") == 4
    laptop("s.sendto(b'the other way', ('10.0.2.1', 53))")
    server("s.sendto(b'own', ('10.0.1.1', 53))")
    assert sorted(heard(server)) == [b"own", b"the other way"]  # of two senders, either may be first
    do(three, "link", interface=cable, up=True)
    laptop("s.sendto(b'found', ('10.0.1.1', 53))")
    server("s.sendto(b'found', ('10.0.1.2', 53))")
    assert heard(server) == heard(laptop) == [b"found"]


@pytest.mark.parametrize(
    "rule",
    [
        {"host": "laptop", "direction": "out"},
        {"interface": "server.eth0", "direction": "in"},
        {"address": "10.0.1.2", "direction": "out"},
        {"port": 53, "direction": "in"},
        {"between": ["laptop", "server"], "direction": "out"},
    ],
)
def test_a_rule_drops_one_direction(three: Network, start: Start, rule: dict[str, Any]) -> None:
    server = start("server", "s.bind(('10.0.1.1', 53))")
    laptop = start("laptop", "s.bind(('10.0.1.2', 1053))")
    do(three, "block", **rule)
    laptop("s.sendto(b'out', ('10.0.1.1', 53))")
    server("s.sendto(b'in', ('10.0.1.2', 1053))")
    assert heard(server) == []
    assert heard(laptop) == [b"in"]
    do(three, "unblock")
    laptop("s.sendto(b'out', ('10.0.1.1', 53))")
    assert heard(server) == [b"out"]


def test_a_fault_counts_the_conversations_that_it_takes_hold_of(three: Network, start: Start) -> None:
    server, laptop = start("server", "s.bind(('10.0.1.1', 53))"), start("laptop")
    assert do(three, "link", interface="laptop.eth0", up=True)["flows"] == 0
    laptop("s.sendto(b'?', ('10.0.1.1', 53))")
    assert do(three, "link", interface="laptop.eth0", up=True)["flows"] == 1
    server(f"s.sendto(b'!', ('10.0.1.2', {laptop('s.getsockname()')[1]}))")
    assert do(three, "block", port=53)["flows"] == 1
    assert do(three, "link", interface="laptop.wlan0", up=True)["flows"] == 0
    laptop("s.close()")
    server("s.sendto(b'?', s.getsockname())")
    assert do(three, "link", interface="laptop.eth0", up=True)["flows"] == 0


def test_nobody_listens_and_the_connected_sender_hears_of_it(three: Network, start: Start) -> None:
    laptop = start("laptop", "s.connect(('10.0.1.1', 9))")
    assert laptop("s.send(b'?')") == 1
    assert laptop("s.recv(9)") == "ECONNREFUSED"
    # Not if the answer cannot come back, nor where nobody is.
    do(three, "block", host="server", direction="out")
    laptop("s.send(b'?')")
    assert heard(laptop) == []
    laptop("s.connect(('10.0.1.77', 9))")
    laptop("s.send(b'?')")
    assert heard(laptop) == []


def test_a_connect_to_nobody_succeeds_and_the_refusal_comes_after_it(begin: Start) -> None:
    laptop = begin("laptop", "s.connect(('10.0.1.1', 9))")
    assert laptop("s.send(b'?')") == 1
    assert laptop("s.recv(9)") == "ECONNREFUSED"
    server = begin("server", "s.bind(('10.0.1.1', 9))")
    laptop("s.send(b'?')")
    assert server("s.recv(9)") == b"?"
    laptop("s.connect(('10.0.1.77', 9))")  # a host that is not there says nothing
    laptop("s.send(b'?')")
    assert heard(laptop) == []


def test_what_is_on_no_subnet_is_unreachable_at_once(begin: Start) -> None:
    laptop = begin("laptop")
    assert laptop("s.sendto(b'?', ('192.0.2.1', 9))") == "ENETUNREACH"
    assert laptop("s.connect(('192.0.2.1', 9))") == "ENETUNREACH"


@pytest.mark.parametrize(
    ("to", "desk_hears"), [("10.0.1.255", True), ("10.0.2.255", False), ("255.255.255.255", True)]
)
def test_a_broadcast_reaches_every_host_on_its_segment(begin: Start, to: str, desk_hears: bool) -> None:
    server, laptop = (
        begin(host, "s.bind(('', 137))", "s.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)")
        for host in ("server", "laptop")
    )
    desk = begin("desk", "s.bind(('', 137))")
    exact = begin("server", f"s.bind(('10.0.{to.split('.')[2].replace('255', '1')}.1', 138))")
    assert desk(f"s.sendto(b'x', ('{to}', 137))") == ("ENETUNREACH" if not desk_hears else "EACCES")
    laptop(f"s.sendto(b'who?', ('{to}', 137))")
    laptop(f"s.sendto(b'who?', ('{to}', 138))")
    network = to if to != "255.255.255.255" else "10.0.1.255"
    assert server("s.recvfrom(9)") == (b"who?", (network.replace("255", "2"), 137))
    assert heard(laptop) == [b"who?"]
    assert heard(desk) == ([b"who?"] if desk_hears else [])
    assert heard(exact) == []


def test_a_broadcast_goes_out_where_its_sender_is_bound(begin: Start) -> None:
    server = begin("server", "s.bind(('', 137))", "s.setsockopt(IPPROTO_IP, 8, 1)")
    laptop = begin("laptop", "s.bind(('10.0.2.2', 0))", "s.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)")
    laptop("s.sendto(b'x', ('255.255.255.255', 137))")
    _, control, _, peer = server("s.recvmsg(9, 100)")
    assert peer[0] == "10.0.2.2"
    assert struct.unpack("i4s4s", control[0][2]) == (3, socket.inet_aton("10.0.2.1"), b"\xff" * 4)
    laptop("s.connect(('10.0.2.255', 137))")
    laptop("s.send(b'connected')")
    assert server("s.recv(99)") == b"connected"


def member(host: str, begin: Start, family: str, index: int = 2) -> Shell:
    """A socket that has joined the group on the interface with this index."""
    shell = begin(host, "s.bind(('', 5353))", family=family)
    shell(
        f"s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, struct.pack('4s4si', inet_aton('224.0.0.251'), bytes(4), {index}))"
        if family == "AF_INET"
        else f"s.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, inet_pton(AF_INET6, 'ff02::fb') + struct.pack('i', {index}))"
    )
    return shell


@pytest.mark.parametrize(("family", "group"), [("AF_INET", "224.0.0.251"), ("AF_INET6", "ff02::fb")])
def test_a_group_has_its_members_on_the_segment(begin: Start, family: str, group: str) -> None:
    level, ttl, loop, interface = (
        ("IPPROTO_IP", "IP_MULTICAST_TTL", "IP_MULTICAST_LOOP", "struct.pack('8xi', {})")
        if family == "AF_INET"
        else ("IPPROTO_IPV6", "IPV6_MULTICAST_HOPS", "IPV6_MULTICAST_LOOP", "{}")
    )
    which = "IP_MULTICAST_IF" if family == "AF_INET" else "IPV6_MULTICAST_IF"
    server, laptop = (member(host, begin, family) for host in ("server", "laptop"))
    elsewhere = member("desk", begin, family, 1)
    laptop(f"s.setsockopt({level}, {which}, {interface.format(2)})")
    laptop(f"s.sendto(b'all', ('{group}', 5353))")
    laptop(f"s.setsockopt({level}, {loop}, 0)")
    laptop(f"s.sendto(b'others', ('{group}', 5353))")
    laptop(f"s.setsockopt({level}, {ttl}, 0)")
    laptop(f"s.sendto(b'nobody', ('{group}', 5353))")
    laptop(f"s.setsockopt({level}, {loop}, 1)")
    laptop(f"s.sendto(b'here', ('{group}', 5353))")
    laptop(f"s.setsockopt({level}, {ttl}, 1)")
    laptop(f"s.setsockopt({level}, {which}, {interface.format(3)})")
    if family == "AF_INET":
        laptop(f"s.sendto(b'wlan', ('{group}', 5353))")
    assert heard(server) == [b"all", b"others"]
    assert heard(laptop) == [b"all", b"here"]
    assert heard(elsewhere) == []


@pytest.mark.parametrize(("family", "group"), [("AF_INET", "224.0.0.251"), ("AF_INET6", "ff02::fb")])
def test_a_group_ends_at_a_pulled_cable(three: Network, start: Start, family: str, group: str) -> None:
    server, laptop = (member(host, start, family) for host in ("server", "laptop"))
    do(three, "link", interface="server.eth0", up=False)
    laptop(f"s.sendto(b'cable', ('{group}', 5353))")
    do(three, "link", interface="server.eth0", up=True)
    assert heard(server) == []
    assert heard(laptop) == [b"cable"]


def test_membership_ends_with_its_socket(begin: Start) -> None:
    server = member("server", begin, "AF_INET")
    other = begin("server", "s.bind(('', 5354))")
    laptop = begin("laptop", "s.sendto(b'one', ('224.0.0.251', 5354))")
    assert heard(other) == [b"one"]  # IP_MULTICAST_ALL: the host is a member
    server("s.close()")
    laptop("s.sendto(b'two', ('224.0.0.251', 5354))")
    assert heard(other) == []


def test_what_cannot_be_corked_is_refused_and_counted(begin: Start) -> None:
    laptop = begin("laptop")
    assert (
        laptop("s.sendto(b'more', MSG_MORE, ('10.0.1.1', 53))") == "ENOTSUP"
    )  # the other name of EOPNOTSUPP
    counted, _ = gaps(laptop.lab.directory / "options")
    assert [(CALLS[one.kind], what(one), one.count) for one in counted if one.kind == GapKind.SEND] == [
        ("send", "MSG_MORE", 1)
    ]


def test_bytes_are_counted_where_they_pass(three: Network, start: Start) -> None:
    def counts() -> dict[str, tuple[int, int]]:
        return {i["name"]: (i["tx_bytes"], i["rx_bytes"]) for i in do(three, "interfaces")}

    server, laptop = start("server", "s.bind(('', 53))"), start("laptop")
    before = counts()
    laptop("s.sendto(bytes(1000), ('10.0.1.1', 53))")
    laptop("s.sendto(bytes(100), ('10.0.1.1', 54))")
    assert len(heard(server)) == 1
    after = counts()
    moved = {
        name: tuple(b - a for a, b in zip(before[name], after[name], strict=True))
        for name in after
        if after[name] != before[name]
    }
    assert moved == {"laptop.eth0": (1100, 0), "server.eth0": (0, 1100)}


def test_a_slow_interface_drops_what_its_queue_cannot_hold(three: Network, start: Start) -> None:
    do(three, "rate", interface="laptop.eth0", rate=1_000_000)
    server, laptop = start("server", "s.bind(('', 53))"), start("laptop")
    assert laptop("[s.sendto(bytes(1000), ('10.0.1.1', 53)) for _ in range(200)] == [1000] * 200")
    # 50 ms at that rate, and the burst, are some 7 datagrams; a slow machine's time lets a few more through.
    assert 3 <= len(heard(server)) < 150
    do(three, "rate", interface="laptop.eth0", rate=None)
    assert laptop("[s.sendto(bytes(1000), ('10.0.1.1', 53)) for _ in range(100)] == [1000] * 100")
    assert len(heard(server)) == 100


@pytest.mark.parametrize("size", [1472, 8000, 65507])
def test_a_receiver_holds_200_kb_and_then_loses(start: Start, size: int) -> None:
    server, laptop = start("server", "s.bind(('', 53))"), start("laptop")
    enough = (16 << 20) // size
    assert laptop(
        f"[s.sendto(bytes({size}), ('10.0.1.1', 53)) for _ in range({enough})] == [{size}] * {enough}"
    )
    got = heard(server)
    assert len(got) * size >= 200_000
    assert len(got) < enough
    laptop("s.sendto(b'again', ('10.0.1.1', 53))")
    assert heard(server) == [b"again"]


@pytest.mark.parametrize("size", [100, 60_000])
def test_a_sender_never_waits_for_a_full_receiver(begin: Start, size: int) -> None:
    """Not in send(2), and not in the poll(2) that a socket with a timeout does first."""
    begin("server", "s.bind(('', 53))")
    laptop = begin("laptop", "s.connect(('10.0.1.1', 53))", "s.settimeout(5)")
    assert laptop(f"[s.send(bytes({size})) for _ in range(300)] == [{size}] * 300")
    other = begin("server", "s.bind(('', 54))")
    laptop(f"s.sendto(bytes({size}), ('10.0.1.1', 54))")
    assert other("len(s.recv(70000))") == size


def test_killed_programs_leave_nothing_in_the_switch(three: Network, start: Start) -> None:
    watcher = start("desk", "s.bind(('', 9))", "s.connect(('10.0.1.1', 53))")
    before = twins(three)
    for _ in range(3):
        shells = [
            Shell(three, "server"),
            Shell(three, "laptop"),
        ]
        for shell in shells:
            shell("all_ = [socket(AF_INET, SOCK_DGRAM) for _ in range(100)]")
            shell("[s.bind(('', 0)) for s in all_]")
            shell("[s.sendto(b'unread', all_[0].getsockname()) for s in all_] and None")
            shell("all_[1].connect(('10.0.1.3', 9))")
            shell("all_[2].setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, inet_aton('239.1.1.1') + bytes(4))")
        assert twins(three) >= before + 200
        for shell in shells:
            os.kill(shell.process.pid, signal.SIGKILL)
        for shell in shells:
            shell.close()
        assert twins(three) == before
    watcher("s.send(b'?')")
    assert watcher("s.recv(9)") == "ECONNREFUSED"


def names_of(port: int) -> list[str]:
    """The abstract names of datagram sockets on this port."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    found = [line.split()[-1] for line in lines if "@sw/" in line]
    return [name for name in found if "/u/" in name and f"{port:04x}" in name.rsplit("/", 1)[0][-45:]]


@pytest.mark.parametrize("connected", [False, True])
def test_a_stranger_who_knows_the_name_gets_nothing_in(lab: Network, connected: bool) -> None:
    """Names stand in /proc/net/unix. Root's shells and ours are of one user: only the lab's key tells us apart."""
    with Shell(lab, "server") as server, Shell(lab, "server") as friend:
        for shell in server, friend:
            shell("s = socket(AF_INET, SOCK_DGRAM)")
            shell("s.bind(('10.0.1.1', 0))")
            shell("s.settimeout(10)")
        at, peer = server("s.getsockname()"), friend("s.getsockname()")
        if connected:
            server(f"s.connect({peer!r})")
        (name,) = names_of(at[1])
        for kind in socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM:
            for own in (b"", b"\0stranger", name.encode().replace(b"@", b"\0") + b"x"):
                with socket.socket(socket.AF_UNIX, kind) as stranger:
                    stranger.setblocking(False)
                    if own:
                        stranger.bind(own)
                    try:
                        stranger.connect("\0" + name[1:])
                        stranger.send(b"")
                        stranger.send(struct.pack("IBBBB", 0x53574430, 1, 0, 64, 0) + bytes(40) + b"forged")
                    except OSError:
                        pass
        friend(f"s.sendto(b'friend', {at!r})")
        assert server("s.recvfrom(99)") == (b"friend", peer)
        assert heard(server) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_another_user_is_not_let_in(three: Network, start: Start) -> None:
    server = start("server", "s.bind(('10.0.1.1', 53))")
    page = Page.open(three.directory / "page")
    doors = [service_address(page, "datagram")]
    page.close()
    before = twins(three)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        said = b""
        for door in doors:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.settimeout(10)
                one.connect(door)
                try:
                    one.send(struct.pack("IBBBB", 0x53574430, 2, 0, 0, 0) + bytes(40 + 128))
                    said += one.recv(10) or b"closed"
                except OSError:
                    said += b"closed"
        os.write(write, said)
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"closed"
    os.close(read)
    assert twins(three) == before
    server("s.sendto(b'still', s.getsockname())")
    assert heard(server) == [b"still"]


def test_without_its_switch_a_host_has_no_network(tmp_path: Path) -> None:
    with network(tmp_path / "lab") as lab, Shell(lab, "server") as server:
        server("s = socket(AF_INET, SOCK_DGRAM)")
        server("s.bind(('10.0.1.1', 0))")
        server("s.connect(('10.0.1.2', 9))")
        do(lab, "stop")
        # Its end is the end of our connection, which comes with the event.
        server("select.select([s], [], [])[1]")
        assert server("s.recv(9)") == "ENETDOWN"
        assert server("s.send(b'x')") == "ENETDOWN"
        assert server("socket(AF_INET, SOCK_DGRAM).bind(('10.0.1.1', 0))") == "ENETDOWN"
