"""Whatever is said at the door ends that connection at worst, and nothing else."""

from __future__ import annotations

import contextlib
import random
import select
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from selftest.switch.driver import SYN, Switched, inode, opening, receive, soon, switched, wait
from swrap.abi import ffi, lib
from swrap.abi.names import Endpoint

HERE = Endpoint(ip_address("10.0.1.2"), 1000)
THERE = Endpoint(ip_address("10.0.1.1"), 445)
LEAST = ffi.sizeof("struct sw_syn")
"""Bytes of an opening without padding."""


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Switched]:
    """A switch that gives an opening little time."""
    with switched(tmp_path / "lab", "--opening-timeout", "0.2") as running:
        yield running


@pytest.mark.parametrize(
    "message",
    [
        bytes(LEAST),
        b"GET / HTTP/1.1\r\n".ljust(LEAST),
        opening(lib.SW_OPEN, 1, 5, HERE, THERE, LEAST, magic=1),
        opening(7, 1, 5, HERE, THERE, LEAST),
        opening(lib.SW_OPEN, 99, 5, HERE, THERE, LEAST),
        opening(lib.SW_OPEN, 1, 0, HERE, THERE, LEAST),
        opening(lib.SW_OPEN, 0, 5, HERE, THERE, LEAST),
        opening(lib.SW_OPEN, 1, 5, Endpoint(HERE.ip, 0), THERE, LEAST),
        opening(lib.SW_OPEN, 1, 5, HERE, Endpoint(THERE.ip, 0), LEAST),
        opening(lib.SW_OPEN, 1, 5, HERE, THERE, LEAST - 1),
        opening(lib.SW_OPEN, 1, 5, HERE, THERE, LEAST)[:8] + struct.pack("I", (1 << 20) + 1) + bytes(LEAST - 12),
        opening(lib.SW_ASK, 1, 5, HERE, THERE, LEAST)[:8] + struct.pack("I", 0xFFFFFFFF) + bytes(LEAST - 12),
    ],
    ids=[
        "zeros", "http", "magic", "kind", "no-such-host", "no-inode", "not-its-address", "no-local-port",
        "no-remote-port", "short", "too-long", "absurd",
    ],
)  # fmt: skip
def test_a_malformed_opening_closes_its_connection_alone(lab: Switched, message: bytes) -> None:
    client, server = lab.pair()
    one = lab.door()
    one.sendall(message)
    assert wait(one, 0, 5) & select.POLLHUP
    assert len(lab.do("flows")) == 1
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_noise_is_survived(lab: Switched) -> None:
    dice = random.Random(7)
    good = bytearray(opening(lib.SW_OPEN, 1, 5, HERE, THERE, LEAST))
    for _ in range(300):
        one = lab.door()
        noise = bytearray(good) + dice.randbytes(dice.randrange(3))
        for _ in range(dice.randrange(1, 6)):
            noise[dice.randrange(LEAST)] = dice.randrange(256)
        with contextlib.suppress(ConnectionError):
            one.sendall(noise[: dice.randrange(1, len(noise) + 1)])
        one.close()
    soon(lambda: lab.do("flows") == [])
    client, server = lab.pair()
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_an_opening_may_come_byte_by_byte(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    one = lab.door()
    one.settimeout(None)  # so many small writes are more than poll(2) lets wait
    for byte in opening(lib.SW_OPEN, lab.host("laptop"), inode(one), HERE, THERE, LEAST):
        one.sendall(bytes((byte,)))
    assert lab.do("flows") == []
    one.sendall(b"T")
    soon(lambda: len(lab.do("flows")) == 1)
    server = lab.accept(listener)
    one.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_what_is_written_right_behind_the_syn_is_not_lost(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    one = lab.door()
    one.settimeout(None)
    one.sendall(opening(lib.SW_OPEN, lab.host("laptop"), inode(one), HERE, THERE, SYN) + b"T" + b"at once")
    assert receive(lab.accept(listener), 7) == b"at once"


@pytest.mark.parametrize("part", [0, 1, LEAST - 1, LEAST, 1000])
def test_an_opening_that_never_becomes_whole_is_closed_in_time(impatient: Switched, part: int) -> None:
    one = impatient.door()
    one.sendall(opening(lib.SW_OPEN, 1, inode(one), HERE, THERE, SYN)[:part])
    assert wait(one, 0, 5) & select.POLLHUP


def test_an_opening_that_is_cut_off_leaves_nothing(lab: Switched) -> None:
    fds = Path(f"/proc/{lab.process.pid}/fd")
    lab.do("ping")
    before = len(list(fds.iterdir()))
    for part in (0, 1, LEAST, 1000):
        one = lab.door()
        one.sendall(opening(lib.SW_OPEN, 1, inode(one), HERE, THERE, SYN)[:part])
        one.close()
    soon(lambda: len(list(fds.iterdir())) <= before)


def test_asking_ends_cleanly(lab: Switched) -> None:
    client, _ = lab.pair()
    for _ in range(200):
        assert lab.ask(client).state == "established"
    assert len(lab.do("flows")) == 1
