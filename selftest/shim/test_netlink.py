"""rtnetlink in a host: its own interfaces, as they are now, and nothing of the machine's."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selftest.support.network import TOPOLOGY, Network, network
from swrap.switch.client import control_call

ADDRESSES = {
    "lo": ["127.0.0.1/8", "::1/128"],
    **{one.name: [str(address) for address in one.addresses] for one in TOPOLOGY.host("server").interfaces},
}

PRELUDE = """
import errno, json, os, socket, struct, sys
def route(kind=socket.SOCK_RAW, groups=0):
    s = socket.socket(socket.AF_NETLINK, kind, 0)
    s.bind((0, groups))
    return s
def ask(s, kind, flags, body, seq=7):
    s.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 1, seq, 0) + body)
def attributes(raw):
    found = {}
    while len(raw) >= 4:
        n, kind = struct.unpack_from("=HH", raw)
        found[kind] = raw[4:n]
        raw = raw[(n + 3) & ~3:]
    return found
def messages(raw):
    while raw:
        n, kind, flags, seq, port = struct.unpack_from("=IHHII", raw)
        yield kind, flags, seq, port, raw[16:n]
        raw = raw[(n + 3) & ~3:]
def dump(s, kind, body=bytes(16)):
    ask(s, kind, 0x300, body)
    found = []
    while True:
        for one in messages(s.recv(65536)):
            if one[0] == 3:
                return found
            found.append(one)
def name(body):
    return attributes(body[16:])[3].rstrip(b"\\0").decode()
def said(*values):
    print(json.dumps(values), flush=True)
"""


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network with a switch."""
    with network(tmp_path_factory.mktemp("net") / "lab") as running:
        yield running


@pytest.fixture
def lab(switched: Network) -> Iterator[Network]:
    """The same, and every cable is in again afterwards."""
    yield switched
    control_call(switched.directory, "heal")


@pytest.fixture(scope="session")
def ip() -> str:
    """iproute2's program."""
    found = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("ip (iproute2) is missing")
    return found


def pull(lab: Network, interface: str, *, up: bool = False) -> None:
    """Pull a cable, or put it back."""
    control_call(lab.directory, "link", interface=interface, up=up)


def run(lab: Network, program: str) -> list[list[Any]]:
    """What a program on the server said."""
    return [json.loads(line) for line in lab.python("server", PRELUDE + program).splitlines()]


class Program:
    """A program of a host, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said = b""

    def line(self, within: float = 20) -> str | None:
        """What it says next; None if it says nothing for so many seconds."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        while b"\n" not in self._said:
            if not select.select([self.process.stdout], [], [], within)[0]:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            assert got, self.process.stderr.read()
            self._said += got
        line, self._said = self._said.split(b"\n", 1)
        return line.decode()

    def says(self) -> list[Any]:
        """The next line, of a program that speaks JSON."""
        line = self.line()
        assert line is not None, "it says nothing"
        said: list[Any] = json.loads(line)
        return said


@contextlib.contextmanager
def started(lab: Network, host: str, argv: list[str], **options: Any) -> Iterator[Program]:
    """A program that runs until the test is over."""
    with lab.start(host, list(argv), **options) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@contextlib.contextmanager
def speaking(lab: Network, program: str, host: str = "server") -> Iterator[Program]:
    """A Python program with PRELUDE, which says a first line when it is ready."""
    with started(lab, host, [sys.executable, "-c", PRELUDE + program]) as one:
        assert one.says() == ["ready"]
        yield one


@contextlib.contextmanager
def obedient(lab: Network, program: str) -> Iterator[tuple[Program, Callable[[], object]]]:
    """The same, of a program that waits for a word where it says `wait()`."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-c", PRELUDE + f"wait = lambda: os.read({reader}, 1)\n" + program]
    with (
        started(lab, "server", argv, pass_fds=(reader,)) as one,
        os.fdopen(writer, "wb", buffering=0) as word,
    ):
        os.close(reader)
        assert one.says() == ["ready"]
        yield one, lambda: word.write(b"x")


def test_ip_addr_shows_the_hosts_addresses(lab: Network, ip: str) -> None:
    shown = json.loads(lab.run("server", ip, "-j", "addr").stdout)
    assert {
        one["ifname"]: [f"{a['local']}/{a['prefixlen']}" for a in one["addr_info"]] for one in shown
    } == ADDRESSES
    assert [one["ifindex"] for one in shown] == [1, 2, 3]
    eth0 = shown[1]
    assert (eth0["mtu"], eth0["operstate"], eth0["link_type"], eth0["address"][:2]) == (
        1500,
        "UP",
        "ether",
        "02",
    )
    assert set(eth0["flags"]) == {"BROADCAST", "MULTICAST", "UP", "LOWER_UP"}
    assert eth0["addr_info"][0]["broadcast"] == "10.0.1.255"


def test_a_pulled_cable_is_a_link_without_carrier(lab: Network, ip: str) -> None:
    pull(lab, "server.eth0")
    brief = {
        line.split()[0]: line.split()[1:] for line in lab.run("server", ip, "-br", "addr").stdout.splitlines()
    }
    assert brief["eth0"] == ["DOWN", "10.0.1.1/24", "fd00:1::1/64"]
    assert brief["wlan0"] == ["UP", "10.0.2.1/24"]
    (eth0,) = json.loads(lab.run("server", ip, "-j", "link", "show", "dev", "eth0").stdout)
    assert set(eth0["flags"]) == {"NO-CARRIER", "BROADCAST", "MULTICAST", "UP"}
    (laptop,) = json.loads(lab.run("laptop", ip, "-j", "link", "show", "dev", "eth0").stdout)
    assert "LOWER_UP" in laptop["flags"]


def test_ip_route_shows_the_connected_networks(lab: Network, ip: str) -> None:
    pull(lab, "server.wlan0")
    routes = json.loads(lab.run("server", ip, "-j", "route").stdout)
    assert [(one["dst"], one["dev"], one["prefsrc"], one["flags"]) for one in routes] == [
        ("10.0.1.0/24", "eth0", "10.0.1.1", []),
        ("10.0.2.0/24", "wlan0", "10.0.2.1", ["linkdown"]),
    ]
    (six,) = json.loads(lab.run("server", ip, "-j", "-6", "route").stdout)
    assert (six["dst"], six["dev"]) == ("fd00:1::/64", "eth0")
    (way,) = json.loads(lab.run("server", ip, "-j", "route", "get", "10.0.2.2").stdout)
    assert (way["dev"], way["prefsrc"]) == ("wlan0", "10.0.2.1")
    nowhere = lab.run("server", ip, "route", "get", "192.0.2.1")
    assert (nowhere.returncode, "unreachable" in nowhere.stderr) == (2, True)


def test_ip_changes_nothing(lab: Network, ip: str) -> None:
    """The network is the lab's; a host may look at it."""
    for change in (["link", "set", "eth0", "down"], ["addr", "add", "10.0.9.9/24", "dev", "eth0"]):
        done = lab.run("server", ip, *change)
        assert (done.returncode, done.stderr.strip()) == (2, "RTNETLINK answers: Operation not permitted")


def test_ip_monitor_tells_of_a_cable_as_it_is_pulled(lab: Network, ip: str) -> None:
    with (
        started(lab, "server", [ip, "monitor", "link"]) as one,
        started(lab, "server", [ip, "monitor"]) as two,
    ):
        for monitor in (one, two):
            line = None
            # It does not say when it has begun to listen: so the cable comes and goes until then.
            for _ in range(100):
                pull(lab, "server.eth0", up=True)
                pull(lab, "server.eth0")
                if line := monitor.line(within=0.2):
                    break
            assert line is not None
            assert "eth0: <" in line


WATCH = """
s = route(groups=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
said("ready")
while True:
    data, _, _, address = s.recvmsg(65536)
    for kind, flags, seq, port, body in messages(data):
        said(kind, name(body), bool(struct.unpack_from("=I", body, 8)[0] & 0x10000), seq, port, address)
"""


def test_every_watcher_of_the_host_is_told_once_and_in_order(lab: Network) -> None:
    """From the moment in which bind(2) has returned."""
    with speaking(lab, WATCH) as one, speaking(lab, WATCH) as two, speaking(lab, WATCH, "laptop") as other:
        for up in (False, True, False):
            pull(lab, "server.eth0", up=up)
        pull(lab, "laptop.wlan0")
        for watcher in (one, two):
            assert [watcher.says() for _ in range(3)] == [
                [16, "eth0", up, 0, 0, [0, 1]] for up in (False, True, False)
            ]
        assert other.says() == [16, "wlan0", False, 0, 0, [0, 1]]


def test_membership_comes_and_goes(lab: Network) -> None:
    program = """
s = route()
s.setsockopt(270, 1, 1)
s.setsockopt(270, 1, 5)
said("ready")
said(s.getsockname()[1], struct.unpack("Q", s.getsockopt(270, 9, 8))[0])
said(name(next(messages(s.recv(65536)))[4]))
s.setsockopt(270, 2, 1)
said(s.getsockname()[1])
wait()
s.setblocking(False)
try:
    s.recv(65536)
except BlockingIOError:
    said("quiet")
"""
    with obedient(lab, program) as (process, go_on):
        assert process.says() == [0b10001, 0b10001]
        pull(lab, "server.eth0")
        assert process.says() == ["eth0"]
        assert process.says() == [0b10000]
        pull(lab, "server.eth0", up=True)
        go_on()
        assert process.says() == ["quiet"]


def test_a_dump_is_multipart_and_bears_the_askers_port(lab: Network) -> None:
    program = """
s = route()
port = s.getsockname()[0]
said(port == os.getpid(), route().getsockname()[0] >= 1 << 31)
links = dump(s, 18)
said([name(one[4]) for one in links], all(one[:4] == (16, 2, 7, port) for one in links))
said([[struct.unpack_from("=I", one[4], 4)[0], one[4][1], attributes(one[4][8:])[1].hex()] for one in dump(s, 22, bytes(8))])
said(len(dump(s, 22, struct.pack("=B3xI", socket.AF_INET6, 2))), len(dump(s, 30, bytes(12))))
"""
    assert run(lab, program) == [
        [True, True],
        [["lo", "eth0", "wlan0"], True],
        [
            [
                [1, 8, "7f000001"],
                [1, 128, "0" * 31 + "1"],
                [2, 24, "0a000101"],
                [2, 64, "fd000001" + "0" * 23 + "1"],
                [3, 24, "0a000201"],
            ]
        ],
        [1, 0],
    ]


def test_a_single_get_an_acknowledgement_and_the_errors(lab: Network) -> None:
    program = """
s = route()
def answer(kind, flags, body):
    ask(s, kind, flags, body)
    got = [[one[0], struct.unpack_from("=i", one[4])[0] if one[0] == 2 else name(one[4])]
        for one in messages(s.recv(65536))]
    if flags & 4 and got[0][0] != 2:
        got += [[one[0], struct.unpack_from("=i", one[4])[0]] for one in messages(s.recv(65536))]
    return got
index = lambda n: struct.pack("=BxHiII", 0, 0, n, 0, 0)
said(answer(18, 0, index(3)), answer(18, 4, index(3)), answer(18, 0, index(9)), answer(18, 0, index(0)))
said(answer(18, 0, index(0) + struct.pack("=HH", 9, 3) + b"eth0" + bytes(4)))
said(answer(17, 0, index(2)), answer(500, 0, index(2)), answer(38, 0x300, bytes(20)), answer(18, 0, bytes(1)))
s.send(b"too short"); s.send(struct.pack("=IHHII", 99, 18, 1, 1, 0))
said(answer(18, 0, index(1)))
"""
    assert run(lab, program) == [
        [
            [[16, "wlan0"]],
            [[16, "wlan0"], [2, 0]],
            [[2, -errno.ENODEV]],
            [[2, -errno.EINVAL]],
        ],
        [[[16, "eth0"]]],
        [[[2, -errno.EPERM]], [[2, -errno.EOPNOTSUPP]], [[2, -errno.EOPNOTSUPP]], [[2, -errno.EINVAL]]],
        [[[16, "lo"]]],
    ]


def test_it_looks_like_a_netlink_socket(lab: Network) -> None:
    program = """
s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0)
said([s.getsockopt(socket.SOL_SOCKET, o) for o in (socket.SO_DOMAIN, socket.SO_TYPE, socket.SO_PROTOCOL)])
said(s.getsockname(), s.getpeername())
def error(call, *args):
    try:
        call(*args)
    except OSError as e:
        return errno.errorcode[e.errno]
said(error(s.connect, (0, 0)), error(s.connect, (77, 0)), error(s.sendto, b"x", (77, 0)), error(s.send, b""))
said(s.getsockname()[0] == os.getpid())
s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0)
s.bind((4242, 0))
said(s.getsockname(), error(s.bind, (4243, 0)), error(s.listen))
said(error(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind, (4242, 0)))
said(error(socket.socket, socket.AF_NETLINK, socket.SOCK_STREAM, 0))
for option in (3, 4, 5, 10, 11, 12):
    before = s.getsockopt(270, option)
    s.setsockopt(270, option, 1)
    said(before, s.getsockopt(270, option))
said(error(s.setsockopt, 270, 8, 1), error(s.setsockopt, 270, 99, 1))
"""
    said = run(lab, program)
    assert said[:7] == [
        [[16, 2, 0]],
        [[0, 0], [0, 0]],
        [None, "EPERM", "EPERM", "ENODATA"],
        [True],
        [[4242, 0], "EINVAL", "ENOTSUP"],
        ["EADDRINUSE"],
        ["ESOCKTNOSUPPORT"],
    ]
    assert said[7:] == [*[[0, 1]] * 6, ["EPERM", "ENOPROTOOPT"]]


def test_the_length_can_be_peeked_at(lab: Network) -> None:
    """As iproute2 and libmnl do it, into no buffer at all."""
    program = """
s = route()
ask(s, 18, 0, struct.pack("=BxHiII", 0, 0, 2, 0, 0))
n, _, flags, address = s.recvmsg_into([], 0, socket.MSG_PEEK | socket.MSG_TRUNC)
data, _, more, _ = s.recvmsg(100, 0, socket.MSG_PEEK)
whole, _, none, _ = s.recvmsg(65536)
said(n == len(whole), flags == socket.MSG_TRUNC, address, len(data), more == socket.MSG_TRUNC, none)
"""
    assert run(lab, program) == [[True, True, [0, 0], 100, True, 0]]


def test_the_kernels_credentials_and_the_group_come_along(lab: Network) -> None:
    """avahi-daemon believes nobody but process 0; sd-netlink wants to know the group."""
    program = """
s = route(groups=1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.setsockopt(270, 3, 1)
said("ready")
_, control, flags, _ = s.recvmsg(65536, 200)
said(sorted([level, kind, struct.unpack(f"{len(data) // 4}i", data)] for level, kind, data in control), flags)
"""
    with speaking(lab, program) as process:
        pull(lab, "server.eth0")
        assert process.says() == [[[1, 2, [0, 0, 0]], [270, 3, [1]]], 0]


def test_a_socket_filter_sees_netlink_messages(lab: Network) -> None:
    program = """
import ctypes
s = route(groups=1)
dev = struct.pack("HBBI", 0x28, 0, 0, 4), struct.pack("HBBI", 0x15, 0, 1, 0x1000), struct.pack("HBBI", 6, 0, 0, 0xffff), struct.pack("HBBI", 6, 0, 0, 0)
code = ctypes.create_string_buffer(b"".join(dev))
s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 4, ctypes.addressof(code)))
said("ready")
said(name(next(messages(s.recv(65536)))[4]))
"""
    with speaking(lab, program) as process:  # 0x1000: RTM_NEWLINK, loaded as big-endian
        pull(lab, "server.wlan0")
        assert process.says() == ["wlan0"]


CHILD = """
s = socket.socket(fileno=int(sys.argv[1]))
said(s.family == socket.AF_NETLINK, s.getsockname()[0] == int(sys.argv[2]), [name(one[4]) for one in dump(s, 18)])
data, _, _, address = s.recvmsg(65536)
said(name(next(messages(data))[4]), address)
"""


def test_a_child_that_is_handed_the_socket_goes_on_with_it(lab: Network) -> None:
    """Through exec, and in a message; membership goes along."""
    program = f"""
import subprocess, threading
child = {PRELUDE + CHILD!r}
s = route(groups=1)
os.set_inheritable(s.fileno(), True)
said("ready")
port = s.getsockname()[0]
subprocess.run([sys.executable, "-c", child, str(s.fileno()), str(port)], close_fds=False, check=True)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
get = "_, fds, _, _ = socket.recv_fds(socket.socket(fileno=0), 10, 1); sys.argv[1:] = [fds[0], sys.argv[1]];"
head, tail = child.split("s = socket.socket(fileno", 1)
code = head + get + "s = socket.socket(fileno" + tail
process = subprocess.Popen([sys.executable, "-c", code, str(port)], stdin=theirs)
socket.send_fds(ours, [b"x"], [s.fileno()])
s.close()
sys.exit(process.wait())
"""
    with speaking(lab, program) as process:
        for up in (False, True):
            assert process.says() == [True, True, ["lo", "eth0", "wlan0"]]
            pull(lab, "server.eth0", up=up)
            assert process.says() == ["eth0", [0, 1]]
        assert process.process.wait(20) == 0


def test_a_watcher_that_does_not_read_stops_nobody_and_learns_that_it_missed_something(lab: Network) -> None:
    program = """
s = route(groups=1)
said("ready")
wait()
told = 0
try:
    while True:
        s.recv(65536)
        told += 1
except OSError as e:
    said(errno.errorcode[e.errno], 0 < told < 1000)
said([name(one[4]) for one in dump(s, 18)])
"""
    with obedient(lab, program) as (process, go_on):
        for _ in range(500):
            pull(lab, "server.eth0")
            pull(lab, "server.eth0", up=True)
        with speaking(lab, WATCH) as lively:
            pull(lab, "server.wlan0")
            assert lively.says()[1] == "wlan0"
        go_on()
        assert process.says() == ["ENOBUFS", True]
        assert process.says() == [["lo", "eth0", "wlan0"]]


def test_other_netlink_protocols_tell_nothing_of_the_machine(lab: Network) -> None:
    """SOCK_DIAG, NETFILTER, GENERIC … are not there; device events are, and there never is one."""
    program = """
refused = []
for protocol in range(32):
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol).close()
    except OSError as e:
        refused.append(protocol) if e.errno == errno.EPROTONOSUPPORT else said(protocol, e.errno)
said([p for p in (2, 4, 5, 6, 9, 10, 12, 16, 18, 20, 22) if p not in refused], 0 in refused, 15 in refused)
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
s.bind((0, 1))
s.setblocking(False)
said(s.getsockname(), s.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
try:
    s.recv(100)
except BlockingIOError:
    said("silence")
"""
    said = run(lab, program)
    assert said[0] == [[], False, False]
    assert (said[1][0][1], said[1][1], said[2]) == (1, 15, ["silence"])


def test_without_a_switch_there_is_no_netlink(tmp_path: Any) -> None:
    """Nobody could answer, and the machine's kernel must not."""
    with network(tmp_path / "lab", direct=True) as lab:
        done = lab.run("server", sys.executable, "-c", PRELUDE + "route()")
        assert "Protocol not supported" in done.stderr


def test_when_the_switch_ends_the_network_is_down(tmp_path: Any) -> None:
    with network(tmp_path / "lab") as lab:
        program = """
s = route(groups=1)
said("ready")
try:
    s.recv(100)
except OSError as e:
    said(errno.errorcode[e.errno])
try:
    ask(s, 18, 0, bytes(16))
except OSError as e:
    said(errno.errorcode[e.errno])
"""
        with speaking(lab, program) as process:
            control_call(lab.directory, "stop")
            assert process.says() == ["ENETDOWN"]
            assert process.says() == ["ENETDOWN"]
