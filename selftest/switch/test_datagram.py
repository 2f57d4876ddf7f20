"""Datagram sockets, said by hand: what a shim would never say gets nobody anything, and harms nobody."""

from __future__ import annotations

import errno
import random
import select
import socket
import struct
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, inode, switched
from selftest.switch.test_churn import sanitized, victim  # noqa: F401
from swrap.abi.names import Endpoint, Name, encode, service_address
from swrap.abi.page import pack_ip

HEAD = struct.Struct("<IBBBBHH16sH16sH8x")
HELLO = struct.Struct("<QHHHH112s")
MAGIC = 0x53574430
DATA, HELLO_WORD, BIND, BOUND, CONNECT, JOIN, LEAVE, OPTION, UNREACHABLE = range(1, 10)
BROADCAST, TO_PEER, REUSE_ADDR, REUSE_PORT = 1, 16, 32, 64


def word(
    kind: int,
    to: str = "0.0.0.0",
    port: int = 0,
    *,
    flags: int = 0,
    source: str = "0.0.0.0",
    ifindex: int = 0,
    more: bytes = b"",
    magic: int = MAGIC,
) -> bytes:
    """A message as the shim makes it."""
    addresses = pack_ip(ip_address(source)), 0, pack_ip(ip_address(to)), port
    return HEAD.pack(magic, kind, flags, 0, 0, ifindex, 0, *addresses) + more


def door(lab: Switched) -> socket.socket:
    """A connection on which nothing was said."""
    one = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    one.settimeout(10)
    one.connect(service_address(lab.page, "datagram"))
    return one


def hello(lab: Switched, host: str, ino: int, proof: bytes | None = None) -> bytes:
    """Who we are."""
    if proof is None:
        address = IPv6Address(ino.to_bytes(8, "little") + bytes(8))
        proof = encode(lab.page, Name(lab.host(host), "w", Endpoint(address, 0), None))
    sun = struct.pack("<H", socket.AF_UNIX) + proof
    return word(HELLO_WORD, more=HELLO.pack(ino, lab.host(host), 0, len(sun), 0, sun))


def udp(lab: Switched, host: str, ip: str = "0.0.0.0", port: int = 0, flags: int = 0) -> socket.socket:
    """A socket that is bound."""
    one = door(lab)
    one.send(hello(lab, host, inode(one)))
    one.send(word(BIND, ip, port, flags=flags))
    assert answer(one)[0] == 0
    return one


def answer(one: socket.socket) -> tuple[int, int]:
    """What came of a BIND: the errno and the port."""
    _, kind, _, _, _, _, error, _, _, _, port = HEAD.unpack(one.recv(1000))
    assert kind == BOUND
    return error, port


def payloads(lab: Switched, one: socket.socket) -> list[bytes]:
    """All that is in its queue."""
    lab.do("ping")
    one.setblocking(False)
    got = []
    try:
        while data := one.recv(70_000):
            got.append(data[HEAD.size :])
    except BlockingIOError:
        return got
    raise AssertionError("the twin is gone")


def is_hung_up(one: socket.socket) -> bool:
    """Did the switch close it?"""
    try:
        return one.recv(10) == b""
    except ConnectionError:
        return True


def test_what_a_shim_says_is_done(lab: Switched) -> None:
    server, client = udp(lab, "server", "10.0.1.1", 53), udp(lab, "laptop")
    client.send(word(DATA, "10.0.1.1", 53, more=b"hello"))
    got = HEAD.unpack(server.recv(1000)[: HEAD.size])
    assert got[:2] == (MAGIC, DATA)
    assert got[7] == pack_ip(ip_address("10.0.1.2"))


def test_ports_are_told_apart_by_host_and_address(lab: Switched) -> None:
    udp(lab, "server", "10.0.1.1", 53)
    udp(lab, "laptop", "10.0.1.2", 53)
    udp(lab, "server", "10.0.2.1", 53)
    for ip, flags in (("0.0.0.0", 0), ("10.0.1.1", REUSE_ADDR), ("10.0.1.1", REUSE_PORT)):
        one = door(lab)
        one.send(hello(lab, "server", inode(one)))
        one.send(word(BIND, ip, 53, flags=flags))
        assert answer(one) == (errno.EADDRINUSE, 0)
        one.send(word(BIND, ip, 54, flags=flags))  # another try, as on any socket
        assert answer(one) == (0, 54)
        one.send(word(BIND, ip, 55))
        assert answer(one) == (0, 54)
        one.close()
        lab.do("ping")


def test_an_address_of_another_host_is_not_to_be_had(lab: Switched) -> None:
    for ip in ("10.0.1.2", "192.0.2.1", "10.0.2.254", "fd00:1::1"):
        one = door(lab)
        one.send(hello(lab, "server", inode(one)))
        one.send(word(BIND, ip, 53))
        assert answer(one)[0] == errno.EADDRNOTAVAIL


@pytest.mark.parametrize(
    "said",
    [
        b"x",
        b"x" * 5000,
        word(DATA, "10.0.1.1", 53, more=b"no hello"),
        word(BIND, "10.0.1.1", 9),
        word(HELLO_WORD),
        word(HELLO_WORD, more=bytes(HELLO.size)),
        word(HELLO_WORD, more=b"\xff" * HELLO.size),
        word(0),
        word(255),
    ],
    ids=range(9),
)
def test_who_does_not_say_who_it_is_is_shown_out(victim: Switched, said: bytes) -> None:  # noqa: F811
    server = udp(victim, "server", "10.0.1.1", 53)
    one = door(victim)
    one.send(said)
    assert is_hung_up(one)
    assert payloads(victim, server) == []


def test_a_proof_holds_for_one_socket_of_one_host(lab: Switched) -> None:
    mine = door(lab)
    other = door(lab)
    ino = inode(mine)
    address = IPv6Address(ino.to_bytes(8, "little") + bytes(8))
    seen = encode(lab.page, Name(lab.host("server"), "u", Endpoint(ip_address("10.0.1.1"), 53), None))
    laptop = encode(lab.page, Name(lab.host("laptop"), "w", Endpoint(address, 0), None))
    forged = laptop[:-1] + (b"A" if laptop[-1:] != b"A" else b"B")
    for one, proof in ((other, seen), (door(lab), laptop), (door(lab), forged)):
        one.send(hello(lab, "server", inode(one) if proof is seen else ino, proof))
        assert is_hung_up(one)
    mine.send(hello(lab, "server", ino))
    mine.send(word(BIND))
    assert answer(mine)[0] == 0
    mine.send(hello(lab, "server", ino + 1))
    assert is_hung_up(mine)


@pytest.mark.parametrize(
    "said",
    [
        word(DATA, "10.0.1.1", 0, more=b"port 0"),
        word(DATA, "10.0.1.1", 53, source="10.0.1.3", more=b"another's address"),
        word(DATA, "10.0.1.1", 53, source="127.0.0.1", more=b"from inside"),
        word(DATA, "10.0.1.1", 53, source="192.0.2.1", more=b"nobody's address"),
        word(DATA, "10.0.1.1", 53, flags=TO_PEER, more=b"no peer"),
        word(DATA, "10.0.1.255", 53, more=b"no leave to broadcast"),
        word(DATA, "255.255.255.255", 53, more=b"no leave to broadcast"),
        word(DATA, "224.0.0.1", 53, ifindex=77, more=b"no such interface"),
        word(DATA, "fd00:1::1", 53, more=b"another family"),
        word(DATA, "10.0.1.1", 53, more=bytes(65508)),
        word(DATA, "192.0.2.1", 53, more=b"no route"),
        word(DATA, "0.0.0.0", 53, more=b"nowhere"),
    ],
    ids=range(12),
)
def test_what_cannot_be_sent_is_lost(victim: Switched, said: bytes) -> None:  # noqa: F811
    server, client = udp(victim, "server", "0.0.0.0", 53), udp(victim, "laptop", "0.0.0.0", 1053)
    client.send(said)
    client.send(word(DATA, "10.0.1.1", 53, more=b"proper"))
    assert payloads(victim, server) == [b"proper"]


def test_words_that_are_no_words_end_it(victim: Switched) -> None:  # noqa: F811
    for said in (
        word(OPTION, more=struct.pack("<II", 99, 1)),
        word(OPTION, more=b"short"),
        word(BOUND),
        word(UNREACHABLE),
        word(77),
        word(DATA, "10.0.1.1", 53, magic=1),
        word(DATA, "10.0.1.1", 53, more=bytes(70_000)),
        word(HELLO_WORD, more=bytes(HELLO.size)),
        b"",
        b"short",
    ):
        one = udp(victim, "server")
        if said == b"":
            one.shutdown(socket.SHUT_RDWR)
        else:
            one.send(said)
        assert is_hung_up(one)
    one = door(victim)
    one.send(hello(victim, "server", inode(one)))
    one.send(word(CONNECT, "10.0.1.1", 53, flags=TO_PEER))  # not bound
    assert is_hung_up(one)


def test_passed_fds_end_here(lab: Switched) -> None:
    server, client = udp(lab, "server", "10.0.1.1", 53), udp(lab, "laptop")
    ours, theirs = socket.socketpair()
    socket.send_fds(client, [word(DATA, "10.0.1.1", 53, more=b"x")], [theirs.fileno()])
    theirs.close()
    ours.settimeout(10)
    assert ours.recv(1) == b""  # nobody holds the other end
    ours.close()
    assert payloads(lab, server) == [b"x"]


def test_who_says_nothing_is_shown_out_after_a_while(tmp_path: Path) -> None:
    with switched(tmp_path / "lab", "--opening-timeout", "0.2") as lab:
        silent = door(lab)
        one = udp(lab, "server", "10.0.1.1", 53)
        assert is_hung_up(silent)
        one.send(word(DATA, "10.0.1.1", 53, more=b"still"))
        assert payloads(lab, one) == [b"still"]


def test_without_fds_newcomers_wait_and_the_others_go_on(tmp_path: Path) -> None:
    with switched(tmp_path / "lab", nofile=128) as lab:
        server = udp(lab, "server", "10.0.1.1", 53)
        crowd = [door(lab) for _ in range(100)]
        for one in crowd:
            one.send(hello(lab, "laptop", inode(one)))
            one.send(word(BIND))
        assert answer(crowd[0])[0] == 0
        crowd[0].send(word(DATA, "10.0.1.1", 53, more=b"first"))
        assert payloads(lab, server) == [b"first"]
        assert not select.select([crowd[-1]], [], [], 0)[0]
        for one in crowd[:-1]:
            one.close()
        assert answer(crowd[-1])[0] == 0
        crowd[-1].send(word(DATA, "10.0.1.1", 53, more=b"last"))
        assert payloads(lab, server) == [b"last"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_said_in_whatever_order(victim: Switched, seed: int) -> None:  # noqa: F811
    """Sockets come and go, join, share, connect and shout, amid noise; those that keep quiet hear what is theirs."""
    dice = random.Random(seed)
    hosts = {"server": ["10.0.1.1", "10.0.2.1"], "laptop": ["10.0.1.2", "10.0.2.2"], "desk": ["10.0.1.3"]}
    witness = udp(victim, "server", "10.0.1.1", 7)
    friend = udp(victim, "laptop", "10.0.1.2", 7)
    witness.send(word(CONNECT, "10.0.1.2", 7, flags=TO_PEER))
    crowd: list[socket.socket] = []
    expected = []
    for step in range(3000):
        if len(crowd) < 5 or dice.random() < 0.05:
            one = door(victim)
            host = dice.choice(list(hosts))
            one.send(hello(victim, host, inode(one)))
            where = dice.choice(["0.0.0.0", "239.1.1.1", *hosts[host]])
            one.send(word(BIND, where, dice.choice((0, 9, 10)), flags=dice.choice((0, 32, 64, 96))))
            one.setblocking(False)
            crowd.append(one)
        one = dice.choice(crowd)
        to = dice.choice(["10.0.1.1", "10.0.1.2", "10.0.1.255", "255.255.255.255", "239.1.1.1", "127.0.0.1"])
        port = dice.choice((7, 9, 10, 11))
        flags = dice.choice((0, BROADCAST, TO_PEER, BROADCAST | TO_PEER, 2, 12))
        kind = dice.choice((DATA, DATA, DATA, DATA, CONNECT, JOIN, LEAVE, OPTION, dice.randrange(256)))
        more = dice.randbytes(dice.choice((0, 8, 100, 60_000)))
        if kind == OPTION:
            more = struct.pack("<II", dice.randrange(12), dice.choice((0, 1, 2, 3, 64, 255, 1 << 31)))
        try:
            if dice.random() < 0.03:
                one.close()
            elif dice.random() < 0.02:
                one.send(dice.randbytes(dice.randrange(1, 200)))
            elif dice.random() < 0.3:
                one.recv(70_000)
            else:
                one.send(word(kind, to, port, flags=flags, ifindex=dice.choice((0, 0, 1, 2, 9)), more=more))
        except BlockingIOError:
            pass
        except OSError:
            one.close()
        if one.fileno() < 0:
            crowd.remove(one)
        if step % 100 == 0:
            friend.send(word(DATA, "10.0.1.1", 7, more=b"%d" % step))
            expected.append(b"%d" % step)
        if dice.random() < 0.005:
            victim.do("link", interface=dice.choice(("desk.eth0", "server.wlan0")), up=dice.random() < 0.5)
    assert payloads(victim, witness) == expected
    for one in crowd:
        one.close()
    assert payloads(victim, udp(victim, "server", "10.0.1.1", 53)) == []
