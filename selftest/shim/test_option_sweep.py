"""Every option of the headers, on every kind of socket: as the kernel has it, or counted as a gap, or listed here with the reason."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from selftest.conformance.backends import kernel
from selftest.support.network import Network, network
from swrap.abi import options
from swrap.abi.options import GapKind

SO, IP, TCP, UDP, IPV6, LITE = 1, 0, 6, 17, 41, 136

EVERY = {
    SO: range(1, 84),
    IP: range(1, 53),
    TCP: range(1, 46),
    UDP: (1, 10, 11, *range(100, 105)),
    IPV6: range(1, 81),
}
"""The options of asm-generic/socket.h, linux/in.h, tcp.h, udp.h and in6.h, by their numbers."""

KINDS = [
    *(
        f"{stream} {state}"
        for stream in ("tcp4", "tcp6")
        for state in ("fresh", "listening", "connected", "accepted")
    ),
    *(f"{datagram} {state}" for datagram in ("udp4", "udp6") for state in ("fresh", "bound", "connected")),
]

NUMBERS = (-1, 0, 1, 2, 7, 64, 255, 256, 1000, 65536)
VALUES = [number.to_bytes(4, "little", signed=True).hex() for number in NUMBERS]
VALUES += ["", "01", "0100", "010000", "0100000000000000"]
LENGTHS = (1, 2, 3, 4, 8, 16, 64)

MACHINE = "it is of the machine or of the moment, and no two sockets have the same"
AUTOMATIC = "the kernel chooses it by what the connection's way is like"
VERSION = "kernels differ: from 6.16 on, IP sockets refuse what only AF_UNIX has"
NOBODY = "nothing acts on it, and what is wrong with a value is not looked for"
UNLIKE = {
    (SO, 7): AUTOMATIC,
    (SO, 8): AUTOMATIC,
    (SO, 16): VERSION,
    (SO, 34): VERSION,
    (SO, 76): VERSION,
    (SO, 83): VERSION,
    (SO, 18): "the kernel bounds it by the receive buffer, which is another one",
    (SO, 49): MACHINE,
    (SO, 55): MACHINE,
    (SO, 56): MACHINE,
    (SO, 57): MACHINE,
    (IP, 33): "what is accepted has the ttl of its route for groups, which TCP does not reach",
    (IPV6, 18): "likewise",
    (IP, 49): "an IPv6 socket may hear the IPv4 groups of others, as an IPv4 one",
    (TCP, 2): AUTOMATIC,
    (TCP, 10): NOBODY,
    (TCP, 11): MACHINE,
    (TCP, 13): MACHINE,
    (IP, 14): "the loopback here has another MTU",
    (IPV6, 24): "the loopback here has another MTU",
    (IPV6, 26): "the kernel reads as IPv6-only what is bound to one IPv6 address, and it is in any case",
}
"""Options that differ, with the reason."""
PRIVILEGED = {(SO, 12): "SO_PRIORITY above 6", (SO, 36): "SO_MARK"}
"""Root's alone. An ordinary user is root in the namespace in which the kernel is asked, and none in the lab."""

PROGRAM = """
import errno, json, os, socket, sys
def told(call, *args):
    try: result = call(*args)
    except OSError as error: return errno.errorcode.get(error.errno, error.errno)
    return result.hex() if isinstance(result, bytes) else "ok"
def made(kind):
    "The socket, and what must live with it."
    protocol, _, state = kind.partition(" ")
    family, here = (socket.AF_INET6, "::1") if "6" in protocol else (socket.AF_INET, "127.0.0.1")
    type_ = socket.SOCK_STREAM if protocol.startswith("tcp") else socket.SOCK_DGRAM
    s, other = socket.socket(family, type_), socket.socket(family, type_)
    if state in ("bound", "listening"): s.bind((here, 0))
    if state == "listening": s.listen()
    if state in ("connected", "accepted"):
        other.bind((here, 0))
        if type_ == socket.SOCK_STREAM: other.listen()
        s.connect(other.getsockname())
        if type_ == socket.SOCK_STREAM:
            accepted = other.accept()[0]
            return (accepted, [s, other]) if state == "accepted" else (s, [accepted, other])
    return s, [other]
kind, every, lengths, values = json.loads(sys.argv[1])
out = {}
for level, names in every.items():
    for name in names:
        level, rows = int(level), []
        s, others = made(kind)
        for n in lengths: rows.append([f"get {n}", told(s.getsockopt, level, name, n)])
        for value in values:
            rows.append([f"set {value}", told(s.setsockopt, level, name, bytes.fromhex(value))])
            rows += [[f"get {n} after {value}", told(s.getsockopt, level, name, n)] for n in (1, 4)]
        for one in (s, *others): one.close()
        out[f"{level} {name}"] = rows
print(json.dumps([os.getpid(), out]))
"""


def question(kind: str) -> str:
    return json.dumps([kind, {level: list(names) for level, names in EVERY.items()}, LENGTHS, VALUES])


@cache
def native(kind: str) -> Any:
    """What the kernel says, with the interfaces that the lab's server has; with the machine's, where we may have no others."""
    with kernel() as machine:
        done = machine.run("server", sys.executable, "-c", PROGRAM, question(kind), timeout=60)
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)[1]
    if not machine.two_hosts:
        del answers[f"{IPV6} 17"]  # IPV6_MULTICAST_IF, by numbers of interfaces
    return answers


def counted(lab: Network, pid: int) -> set[tuple[int, int]]:
    """The options that are gaps, as the lab knows of this process."""
    found, unlisted = options.gaps(lab.directory / options.NAME)
    assert unlisted == 0
    kinds = (GapKind.GETSOCKOPT, GapKind.SETSOCKOPT, GapKind.NO_EFFECT)
    return {(gap.level, gap.name) for gap in found if gap.pid == pid and gap.kind in kinds}


@pytest.mark.parametrize("how", ["direct", "switched"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_option_is_as_linux_has_it_or_a_gap(kind: str, how: str, tmp_path: Path) -> None:
    with network(tmp_path / "lab", direct=how == "direct") as lab:  # one has room for the gaps of one sweep
        done = lab.run("server", sys.executable, "-c", PROGRAM, question(kind), timeout=60)
        assert done.returncode == 0, done.stderr
        pid, ours = json.loads(done.stdout)
        gaps = counted(lab, pid)
    wrong = {}
    for option, rows in native(kind).items():
        level, name = map(int, option.split())
        unlike = [(mine, theirs) for mine, theirs in zip(ours[option], rows, strict=True) if mine != theirs]
        if (level, name) in PRIVILEGED and os.geteuid() != 0:
            continue
        if unlike and (level, name) not in gaps and (level, name) not in UNLIKE:
            wrong[option] = unlike[:3]
    assert not wrong, "\n".join(f"{option}: {unlike}" for option, unlike in wrong.items())
