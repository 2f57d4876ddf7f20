"""Socket options read back as Linux has them: the same program asks the kernel's own sockets and ours, and is told the same."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftest.support.network import Network
from swrap.abi import options
from swrap.abi.options import GapKind

PRELUDE = """
import errno, json, os, socket, struct, sys
def told(call, *args):
    try: result = call(*args)
    except OSError as error: return errno.errorcode.get(error.errno, error.errno)
    return result.hex() if isinstance(result, bytes) else "ok"
SOCKETS = {"tcp4": (socket.AF_INET, socket.SOCK_STREAM), "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
           "udp4": (socket.AF_INET, socket.SOCK_DGRAM), "udp6": (socket.AF_INET6, socket.SOCK_DGRAM)}
"""

SET_AND_GET = (
    PRELUDE
    + """
kinds, wanted, values = json.loads(sys.argv[1])
out = {}
for kind in kinds:
    for level, name in wanted:
        rows = []
        for length in (0, 1, 2, 4, 8):
            with socket.socket(*SOCKETS[kind]) as s:
                rows.append(["get", length, told(s.getsockopt, level, name, length) if length else "ok"])
        for value in values:
            with socket.socket(*SOCKETS[kind]) as s:
                set_ = told(s.setsockopt, level, name, bytes.fromhex(value))
                rows.append(["set", value, set_, told(s.getsockopt, level, name, 4), told(s.getsockopt, level, name, 1)])
        out[f"{kind} {level} {name}"] = rows
print(json.dumps(out))
"""
)

SO, TCP, IP, IPV6 = 1, 6, 0, 41
"""Levels; options are numbers too, since not all have a name in Python (include/uapi/linux/tcp.h, in.h, in6.h)."""
TCP_OPTIONS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 17, 18, 23, 25, 27, 30, 34, 36, 37, 99)
IP_OPTIONS = (6, 7, 8, 10, 11, 12, 13, 18, 20, 21, 23, 24, 25, 26, 34)
IP_OPTIONS_TCP = (1, 2, 15, 33, 49, 51)
IPV6_OPTIONS = (2, 3, 4, 5, 8, 11, 16, 18, 19, 23, 25, 26, 31, 33, 49, 51, 53, 56, 58, 60, 62, 66, 67, 70)
IPV6_OPTIONS += (72, 73, 74, 77, 78, 99)
SO_OPTIONS = (1, 2, 5, 6, 9, 10, 12, 15, 29, 30, 35, 40, 47, 74, 199)
BUFFERS = (7, 8)

INTEGERS = [-(2**31), -2, -1, 0, 1, 2, 3, 5, 31, 32, 63, 64, 88, 127, 128, 200, 255, 256, 300, 535, 536, 1000]
INTEGERS += [1500, 32767, 32768, 65535, 65536, 100_000, 1_000_000, 2**31 - 1]
VALUES = [number.to_bytes(4, "little", signed=True).hex() for number in INTEGERS]
VALUES += ["", "01", "02", "0100", "0100000000000000"]

KERNEL_LACKS = "ENOPROTOOPT"


def pairs(level: int, names: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(level, name) for name in names]


STREAM = [*pairs(TCP, TCP_OPTIONS), *pairs(IP, IP_OPTIONS + IP_OPTIONS_TCP), *pairs(SO, SO_OPTIONS)]
CASES = {
    "tcp4": (["tcp4"], [*STREAM, *pairs(IPV6, (26, 67))]),
    "tcp6": (["tcp6"], [*STREAM, *pairs(IPV6, (*IPV6_OPTIONS, 29))]),
    "udp4": (
        ["udp4"],
        [*pairs(IP, IP_OPTIONS), *pairs(SO, SO_OPTIONS), *pairs(TCP, (1,)), *pairs(IPV6, (26,))],
    ),
    "udp6": (["udp6"], [*pairs(IP, IP_OPTIONS), *pairs(IPV6, IPV6_OPTIONS), *pairs(SO, SO_OPTIONS)]),
}
UNKNOWN_AND_MEANT = {f"{level} {name}" for level, name in ((TCP, 99), (IPV6, 99), (SO, 199))}


def native(program: str, *argv: str) -> Any:
    """What the kernel's own sockets say. Nothing is sent: these sockets are only asked, or stay on loopback."""
    done = subprocess.run([sys.executable, "-c", program, *argv], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ours(lab: Network, program: str, *argv: str) -> Any:
    done = lab.run("server", sys.executable, "-c", program, *argv, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@cache
def kernel(case: str) -> Any:
    return native(SET_AND_GET, json.dumps([*CASES[case], VALUES]))


def kernel_has(rows: Any) -> bool:
    return bool(rows[3][2] != KERNEL_LACKS)


def unusual(got: Any, expected: Any) -> list[str]:
    return [
        f"{option}: {mine} where Linux has {theirs}"
        for option, rows in expected.items()
        for mine, theirs in zip(got[option], rows, strict=True)
        if mine != theirs and (kernel_has(rows) or option.partition(" ")[2] in UNKNOWN_AND_MEANT)
    ]


@pytest.mark.parametrize("case", CASES)
def test_options_are_taken_bounded_and_read_back_as_linux_does(lab: Network, case: str) -> None:
    got = ours(lab, SET_AND_GET, json.dumps([*CASES[case], VALUES]))
    assert unusual(got, kernel(case)) == []


@pytest.mark.parametrize("case", CASES)
def test_buffer_sizes_are_doubled_and_bounded_as_linux_does(lab: Network, case: str) -> None:
    question = json.dumps([CASES[case][0], pairs(SO, BUFFERS), VALUES])
    taken = [  # a refused size leaves the default, which is the machine's setting
        {option: [row for row in rows if row[0] == "set" and row[2] == "ok"] for option, rows in told.items()}
        for told in (ours(lab, SET_AND_GET, question), native(SET_AND_GET, question))
    ]
    assert taken[0] == taken[1]
    assert all(len(rows) > 30 for rows in taken[0].values())


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-300, 70_000), min_size=20, max_size=20)
)
def test_any_number_is_taken_or_refused_as_linux_does(lab: Network, numbers: list[int]) -> None:
    values = [number.to_bytes(4, "little", signed=True).hex() for number in numbers]
    question = json.dumps([*CASES["tcp6"], values])
    assert unusual(ours(lab, SET_AND_GET, question), native(SET_AND_GET, question)) == []


NAMES = (
    PRELUDE
    + """
s = socket.socket()
out = []
for name in (b"reno", b"reno\\0", b"reno\\0xx", b"no such thing", b"", b"x" * 40):
    out.append([told(s.setsockopt, 6, 13, name), *(told(s.getsockopt, 6, 13, n) for n in (4, 16, 40))])
print(json.dumps(out))
"""
)


def test_a_congestion_control_is_a_name(lab: Network) -> None:
    assert ours(lab, NAMES) == native(NAMES)


HANDED_DOWN = (
    PRELUDE
    + """
family, address, wanted = json.loads(sys.argv[1])
out = []
for level, name, value in wanted:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        set_ = told(listener.setsockopt, level, name, bytes.fromhex(value))
        listener.bind((address, 0)); listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as c, listener.accept()[0] as s:
            out.append([level, name, set_, told(s.getsockopt, level, name, len(value) // 2), told(s.getsockopt, level, name, 4)])
print(json.dumps(out))
"""
)

FOUR = [
    (TCP, 1, 1), (TCP, 3, 1), (TCP, 4, 100), (TCP, 5, 10), (TCP, 6, 3), (TCP, 7, 2), (TCP, 8, 10), (TCP, 9, 3),
    (TCP, 18, 5000), (TCP, 23, 5), (TCP, 25, 4096), (IP, 1, 16), (IP, 2, 10), (IP, 10, 2), (IP, 11, 1), (IP, 21, 2),
    (SO, 2, 1), (SO, 15, 1), (SO, 7, 50_000), (SO, 8, 60_000), (SO, 9, 1), (SO, 10, 1), (SO, 18, 5), (SO, 47, 1_000_000),
]  # fmt: skip
EIGHT = [
    (SO, 13, "0100000005000000"),
    (SO, 20, "05000000000000000000000000000000"),
    (SO, 21, "0600" + "00" * 14),
]
SIX = [(IPV6, 67, 32), (IPV6, 16, 20), (IPV6, 26, 1)]


@pytest.mark.parametrize(("family", "address"), [(2, "127.0.0.1"), (10, "::1")])
def test_a_listener_hands_its_options_down(lab: Network, family: int, address: str) -> None:
    numbers = FOUR + (SIX if family == 10 else [])
    wanted = [(level, name, number.to_bytes(4, "little").hex()) for level, name, number in numbers]
    question = json.dumps([family, address, wanted + EIGHT + [(TCP, 13, b"reno".hex())]])
    assert ours(lab, HANDED_DOWN, question) == native(HANDED_DOWN, question)


def test_a_segment_of_a_connection_leaves_room_for_timestamps(lab: Network) -> None:
    question = json.dumps([2, "127.0.0.1", [(TCP, 2, (1000).to_bytes(4, "little").hex())]])
    assert ours(lab, HANDED_DOWN, question) == native(HANDED_DOWN, question)


APART = (
    PRELUDE
    + """
pairs = [(8, 49, 1), (12, 51, 1), (13, 66, 1), (34, 19, 0)]  # PKTINFO, TTL, TOS, MULTICAST_LOOP: IPv4's, IPv6's, unusual
out = []
for four, six, value in pairs:
    for level, name in ((0, four), (41, six)):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.setsockopt(level, name, value)
            out.append([s.getsockopt(0, four), s.getsockopt(41, six)])
r = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); r.bind(("::", 0)); r.settimeout(10)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for level, name in ((0, 8), (0, 12), (0, 13), (41, 49), (41, 51), (41, 66)):
    r.setsockopt(level, name, 1)
    s.sendto(b"x", ("127.0.0.1", r.getsockname()[1]))
    out.append([[l, kind, data.hex()] for l, kind, data in r.recvmsg(1, 500)[1]])
print(json.dumps(out))
"""
)


def test_an_ipv6_socket_has_the_options_of_ipv4_apart(lab: Network) -> None:
    assert ours(lab, APART) == native(APART)


FILTERED = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); s.settimeout(10)
assert s.getsockopt(1, 26, 800) == b""          # SO_GET_FILTER
s.setsockopt(1, 44, 1)                           # SO_LOCK_FILTER
for level, name in ((1, 27), (1, 44)):           # SO_DETACH_FILTER
    try: s.setsockopt(level, name, 0)
    except OSError: continue
    raise AssertionError(name)
s.connect(s.getsockname()); s.send(b"x"); assert s.recv(9) == b"x"
print("[]")
"""


def test_who_may_send_is_no_filter_of_the_program(lab: Network) -> None:
    """Nor can the program take it off, or stop it from being changed."""
    assert ours(lab, FILTERED) == native(FILTERED)


HOLDERS = """
import os, socket, subprocess, sys
wanted = [(6, 4, 321), (6, 18, 7000), (0, 2, 77), (1, 7, 70000), (1, 8, 80000), (1, 47, 5000000)]
def values(s): return [s.getsockopt(level, name) for level, name, _ in wanted]
def same(s): return values(s) == [value * 2 if name in (7, 8) and level == 1 else value for level, name, value in wanted]
if len(sys.argv) > 1:
    sys.exit(not same(socket.socket(fileno=int(sys.argv[1]))))
ours, theirs = socket.socketpair()
if os.fork() == 0:                        # forked before there is anything to know
    (fd,) = socket.recv_fds(theirs, 1, 1)[1]
    s = socket.socket(fileno=fd)
    good = same(s)
    s.setsockopt(6, 4, 322)               # and what it changes, the others see
    theirs.send(b"y" if good else b"n")
    os._exit(0)
s = socket.socket()
for level, name, value in wanted: s.setsockopt(level, name, value)
assert same(s) and same(s.dup())
if os.fork() == 0: os._exit(not same(s))
assert os.wait()[1] == 0
s.set_inheritable(True)
assert subprocess.run([sys.executable, sys.argv[0] if os.path.exists(sys.argv[0]) else "-c", PROGRAM, str(s.fileno())], close_fds=False).returncode == 0
socket.send_fds(ours, [b"x"], [s.fileno()])
assert ours.recv(1) == b"y"
assert s.getsockopt(6, 4) == 322
"""


def test_every_holder_reads_the_same(lab: Network) -> None:
    """Across dup, fork, exec and SCM_RIGHTS; also a process that was there before the socket was."""
    lab.python("server", f"PROGRAM = {HOLDERS!r}\n{HOLDERS}")


def test_a_socket_that_failed_to_connect_keeps_its_options(lab: Network) -> None:
    lab.python(
        "server",
        "import socket\n"
        "s = socket.socket(); s.setsockopt(6, 18, 7000)\n"
        "assert s.connect_ex(('10.0.1.1', 9)) == 111\n"
        "l = socket.create_server(('10.0.1.1', 0)); s.connect(l.getsockname())\n"
        "assert s.getsockopt(6, 18) == 7000\n",
    )


def test_sockets_that_come_and_go_do_not_take_the_options_of_one_that_stays(lab: Network) -> None:
    lab.python(
        "server",
        "import socket\n"
        "kept = socket.socket(); kept.setsockopt(6, 4, 321)\n"
        "for n in range(20000):\n"
        "    with socket.socket() as s:\n"
        "        assert s.getsockopt(6, 4) == 7200\n"
        "        s.setsockopt(6, 4, 1 + n % 30000)\n"
        "        assert s.getsockopt(6, 4) == 1 + n % 30000\n"
        "assert kept.getsockopt(6, 4) == 321\n",
    )


def test_the_mtu_of_a_connection_is_its_interface_s(lab: Network) -> None:
    lab.python(
        "server",
        "import socket\n"
        "for address, mtu in (('10.0.1.1', 1500), ('127.0.0.1', 65536)):\n"
        "    l = socket.create_server((address, 0)); c = socket.create_connection(l.getsockname())\n"
        "    assert c.getsockopt(0, 14) == mtu, c.getsockopt(0, 14)\n",
    )


GAPS = """
import fcntl, os, socket
s = socket.socket()
def refused(call, *args):
    try: call(*args)
    except OSError: return
    raise AssertionError(args)
for _ in range(3): refused(s.setsockopt, 6, 31, b"tls")
refused(s.getsockopt, 6, 28)
s.setsockopt(0, 15, 1)
s.setsockopt(1, 18, 1); s.setsockopt(1, 18, 4)
refused(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)
refused(fcntl.ioctl, s, 0x89ff, bytes(8))
s.setsockopt(6, 4, 100); s.getsockopt(6, 4)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
refused(u.sendmsg, [bytes(2000)], [(17, 103, bytes([100, 0]))], 0, u.getsockname())
u.sendmsg([b"x"], [(1, 61, bytes(8))], 0, u.getsockname()); assert u.recv(9) == b"x"
refused(u.setsockopt, 0, 39, socket.inet_aton("239.1.1.1") + bytes(4) + socket.inet_aton("10.0.1.2"))
refused(s.setsockopt, 6, 4, 0)
print(os.getpid())
"""


def test_what_is_not_emulated_is_counted(lab: Network) -> None:
    pid = int(lab.python("server", GAPS))
    found, unlisted = options.gaps(lab.directory / options.NAME)
    mine = {(gap.kind, gap.level, gap.name): gap.count for gap in found if gap.pid == pid}
    assert mine == {
        (GapKind.SETSOCKOPT, TCP, 31): 3,
        (GapKind.GETSOCKOPT, TCP, 28): 1,
        (GapKind.NO_EFFECT, IP, 15): 1,
        (GapKind.NO_EFFECT, SO, 18): 1,
        (GapKind.SOCKET, 2, 3): 1,
        (GapKind.IOCTL, 0, 0x89FF): 1,
        (GapKind.CONTROL, 17, 103): 1,
        (GapKind.CONTROL, SO, 61): 1,
        (GapKind.SETSOCKOPT, IP, 39): 1,
    }
    assert unlisted == 0
    assert next(gap.program for gap in found if gap.pid == pid).startswith("python")
