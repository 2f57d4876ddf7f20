"""What a host does not have is refused as by a kernel without it, in the same words with a switch and without, and counted."""

from __future__ import annotations

import json
import socket

import pytest

from selftest.support.network import Network
from swrap.abi import options
from swrap.abi.options import GapKind

INET, INET6, STREAM, DGRAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
SCTP, DCCP = 132, 33

REFUSED = {
    "a raw socket": (INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, "EPERM"),
    "a raw socket of IPv6": (INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, "EPERM"),
    "a packet socket": (socket.AF_PACKET, socket.SOCK_RAW, 0x300, "EPERM"),
    "a packet socket of datagrams": (socket.AF_PACKET, DGRAM, 0x300, "EPERM"),
    "ping": (INET, DGRAM, socket.IPPROTO_ICMP, "EPROTONOSUPPORT"),
    "SCTP, one to one": (INET, STREAM, SCTP, "EPROTONOSUPPORT"),
    "SCTP, one to many": (INET, socket.SOCK_SEQPACKET, SCTP, "ESOCKTNOSUPPORT"),
    "SCTP over IPv6": (INET6, STREAM, SCTP, "EPROTONOSUPPORT"),
    "DCCP": (INET, 6, DCCP, "ESOCKTNOSUPPORT"),
    "vsock": (40, STREAM, 0, "EAFNOSUPPORT"),
    "Bluetooth": (31, STREAM, 3, "EAFNOSUPPORT"),
    "CAN": (29, socket.SOCK_RAW, 1, "EAFNOSUPPORT"),
    "TIPC": (30, socket.SOCK_RDM, 0, "EAFNOSUPPORT"),
    "SMC, which would fall back to the machine's TCP": (43, STREAM, 0, "EAFNOSUPPORT"),
    "XDP": (44, socket.SOCK_RAW, 0, "EAFNOSUPPORT"),
    "the kernel's cryptography, which is no network but a family": (
        38,
        socket.SOCK_SEQPACKET,
        0,
        "EAFNOSUPPORT",
    ),
}

PROGRAM = """
import errno, json, os, socket
def asked(*kind):
    try: socket.socket(*kind)
    except OSError as error: return errno.errorcode[error.errno]
print(json.dumps([os.getpid(), {{name: asked(*kind) for name, kind in {kinds!r}.items()}}]))
"""


@pytest.fixture(scope="module")
def answers(lab: Network) -> tuple[int, dict[str, str | None]]:
    """Of one program that asks for them all."""
    kinds = {
        name: (int(domain), int(kind), protocol) for name, (domain, kind, protocol, _) in REFUSED.items()
    }
    pid, said = json.loads(lab.python("server", PROGRAM.format(kinds=kinds)))
    return pid, said


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(answers: tuple[int, dict[str, str | None]], what: str) -> None:
    assert answers[1][what] == REFUSED[what][3]


def test_each_refusal_is_counted(lab: Network, answers: tuple[int, dict[str, str | None]]) -> None:
    found, _ = options.gaps(lab.directory / options.NAME)
    mine = [(gap.level, gap.name, gap.extra) for gap in found if gap.pid == answers[0]]
    assert sorted(mine) == sorted((int(a), int(b), c) for a, b, c, _ in REFUSED.values())
    assert {gap.kind for gap in found if gap.pid == answers[0]} == {GapKind.SOCKET}


def test_io_uring_is_not_there(lab: Network) -> None:
    """By the shim, and behind it by the guard: it would make sockets, and use them, past both."""
    program = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(200)
assert libc.syscall(425, 8, room) == -1 and ctypes.get_errno() == errno.ENOSYS
print("not there")
"""
    assert lab.python("server", program) == "not there\n"


def test_no_setuid_program_gains_anything(lab: Network) -> None:
    """It may be run, as it is by an exec that nobody can look at; behind the guard it runs as whoever ran it."""
    status = lab.run("server", "/bin/sh", "-c", "grep NoNewPrivs /proc/self/status").stdout
    assert status.split() == ["NoNewPrivs:", "1"]
