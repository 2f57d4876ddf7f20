"""rtnetlink in a host, asked: its own interfaces, addresses and routes as they are now, and nothing of the machine's."""

from __future__ import annotations

import errno
import json
import sys
from typing import Any

from selftest.support.netlink import PRELUDE, pull, run
from selftest.support.network import TOPOLOGY, Network, network

ADDRESSES = {
    "lo": ["127.0.0.1/8", "::1/128"],
    **{one.name: [str(address) for address in one.addresses] for one in TOPOLOGY.host("server").interfaces},
}


def test_ip_addr_shows_the_hosts_addresses(cabled: Network, ip: str) -> None:
    shown = json.loads(cabled.run("server", ip, "-j", "addr").stdout)
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


def test_a_pulled_cable_is_a_link_without_carrier(cabled: Network, ip: str) -> None:
    pull(cabled, "server.eth0")
    brief = {
        line.split()[0]: line.split()[1:]
        for line in cabled.run("server", ip, "-br", "addr").stdout.splitlines()
    }
    assert brief["eth0"] == ["DOWN", "10.0.1.1/24", "fd00:1::1/64"]
    assert brief["wlan0"] == ["UP", "10.0.2.1/24"]
    (eth0,) = json.loads(cabled.run("server", ip, "-j", "link", "show", "dev", "eth0").stdout)
    assert set(eth0["flags"]) == {"NO-CARRIER", "BROADCAST", "MULTICAST", "UP"}
    (laptop,) = json.loads(cabled.run("laptop", ip, "-j", "link", "show", "dev", "eth0").stdout)
    assert "LOWER_UP" in laptop["flags"]


def test_ip_route_shows_the_connected_networks(cabled: Network, ip: str) -> None:
    pull(cabled, "server.wlan0")
    routes = json.loads(cabled.run("server", ip, "-j", "route").stdout)
    assert [(one["dst"], one["dev"], one["prefsrc"], one["flags"]) for one in routes] == [
        ("10.0.1.0/24", "eth0", "10.0.1.1", []),
        ("10.0.2.0/24", "wlan0", "10.0.2.1", ["linkdown"]),
    ]
    (six,) = json.loads(cabled.run("server", ip, "-j", "-6", "route").stdout)
    assert (six["dst"], six["dev"]) == ("fd00:1::/64", "eth0")
    (way,) = json.loads(cabled.run("server", ip, "-j", "route", "get", "10.0.2.2").stdout)
    assert (way["dev"], way["prefsrc"]) == ("wlan0", "10.0.2.1")
    nowhere = cabled.run("server", ip, "route", "get", "192.0.2.1")
    assert (nowhere.returncode, "unreachable" in nowhere.stderr) == (2, True)


def test_ip_changes_nothing(cabled: Network, ip: str) -> None:
    """The network is the lab's; a host may look at it."""
    for change in (["link", "set", "eth0", "down"], ["addr", "add", "10.0.9.9/24", "dev", "eth0"]):
        done = cabled.run("server", ip, *change)
        assert (done.returncode, done.stderr.strip()) == (2, "RTNETLINK answers: Operation not permitted")


def test_a_dump_is_multipart_and_bears_the_askers_port(cabled: Network) -> None:
    program = """
s = route()
port = s.getsockname()[0]
said(port == os.getpid(), route().getsockname()[0] >= 1 << 31)
links = dump(s, 18)
said([name(one[4]) for one in links], all(one[:4] == (16, 2, 7, port) for one in links))
said([[struct.unpack_from("=I", one[4], 4)[0], one[4][1], attributes(one[4][8:])[1].hex()] for one in dump(s, 22, bytes(8))])
said(len(dump(s, 22, struct.pack("=B3xI", socket.AF_INET6, 2))), len(dump(s, 30, bytes(12))))
"""
    assert run(cabled, program) == [
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


def test_a_single_get_an_acknowledgement_and_the_errors(cabled: Network) -> None:
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
    assert run(cabled, program) == [
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


def test_it_looks_like_a_netlink_socket(cabled: Network) -> None:
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
    said = run(cabled, program)
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


def test_the_length_can_be_peeked_at(cabled: Network) -> None:
    """As iproute2 and libmnl do it, into no buffer at all."""
    program = """
s = route()
ask(s, 18, 0, struct.pack("=BxHiII", 0, 0, 2, 0, 0))
n, _, flags, address = s.recvmsg_into([], 0, socket.MSG_PEEK | socket.MSG_TRUNC)
data, _, more, _ = s.recvmsg(100, 0, socket.MSG_PEEK)
whole, _, none, _ = s.recvmsg(65536)
said(n == len(whole), flags == socket.MSG_TRUNC, address, len(data), more == socket.MSG_TRUNC, none)
"""
    assert run(cabled, program) == [[True, True, [0, 0], 100, True, 0]]


def test_other_netlink_protocols_tell_nothing_of_the_machine(cabled: Network) -> None:
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
    said = run(cabled, program)
    assert said[0] == [[], False, False]
    assert (said[1][0][1], said[1][1], said[2]) == (1, 15, ["silence"])


def test_without_anybody_to_answer_there_is_no_netlink(tmp_path: Any) -> None:
    """The machine's kernel must not."""
    with network(tmp_path / "lab", direct=True) as lab:
        done = lab.run("server", sys.executable, "-c", PRELUDE + "route()")
        assert "Protocol not supported" in done.stderr
