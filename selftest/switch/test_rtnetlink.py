"""The switch's side of netlink: whatever a program sends is answered or ignored, and stops nobody."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.switch.driver import Switched, topology
from swrap.abi import ffi, lib
from swrap.abi.names import service_address
from swrap.abi.page import Page
from swrap.switch.plane import Count
from swrap.switch.rtnetlink import wire
from swrap.switch.rtnetlink.answer import MOST, Answers
from swrap.switch.rtnetlink.changes import changes
from swrap.switch.rtnetlink.link import Traffic, body
from swrap.switch.rtnetlink.view import Address, look

GETLINK, GETADDR, GETROUTE = 18, 22, 26
DUMP = 0x301
HEADERS = st.builds(
    lambda kind, flags, content, lie: (
        struct.pack("=IHHII", 16 + len(content) + lie, kind, flags, 1, 2) + content
    ),
    st.one_of(st.integers(0, 130), st.sampled_from([GETLINK, GETADDR, GETROUTE]), st.integers(0, 65535)),
    st.one_of(st.sampled_from([1, 5, DUMP, DUMP | 4]), st.integers(0, 65535)),
    st.binary(max_size=80),
    st.sampled_from([0, 0, 0, 0, 1, -1, 200]),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A lab that nothing runs in."""
    made = Page.create(tmp_path_factory.mktemp("page") / "page", topology())
    yield made
    made.close()


@pytest.fixture(scope="module")
def answers(page: Page) -> Answers:
    """For its hosts."""
    return Answers(page, lambda _: Traffic(sent=Count(1 << 40, 5, 6), received=Count(3, 1, 2)))


@given(datagram=st.one_of(st.binary(max_size=200), st.lists(HEADERS, max_size=4).map(b"".join)))
def test_garbage_is_answered_in_netlinks_words_or_not_at_all(answers: Answers, datagram: bytes) -> None:
    found, _ = answers.answer(0, 99, datagram)
    for one in found:
        parts = list(wire.messages(one))
        assert parts
        assert b"".join(part.raw + bytes(-len(part.raw) % 4) for part in parts) == one
        assert all(struct.unpack_from("=I", part.raw, 12) == (99,) for part in parts)


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=20)), unique_by=lambda one: one[0]))
def test_attributes_come_back(pairs: list[tuple[int, bytes]]) -> None:
    assert wire.attributes(b"".join(wire.attribute(*one) for one in pairs)) == dict(pairs)


def test_who_asks_for_too_much_at_once_gets_part_of_it(answers: Answers) -> None:
    one = wire.message(GETLINK, 1, 1, 0, struct.pack("=BxHiII", 0, 0, 2, 0, 0))
    found, more = answers.answer(0, 99, one * 1000)
    assert more
    assert MOST < sum(map(len, found)) < MOST + 4096


def test_a_second_dump_in_one_datagram_is_busy(answers: Answers) -> None:
    found, _ = answers.answer(0, 99, wire.message(GETADDR, DUMP, 1, 0, bytes(8)) * 2)
    kinds = [one.type for datagram in found for one in wire.messages(datagram)]
    assert kinds == [20] * 5 + [wire.NLMSG_DONE, wire.NLMSG_ERROR]


def test_addresses_and_interfaces_that_come_and_go_are_told(page: Page) -> None:
    """The order: what depends on something goes first and comes last."""
    before = look(page, 0)
    extra = Address(2, "eth0", ip_interface("10.0.7.1/24"), loopback=False)
    after = replace(before, addresses=(*before.addresses, extra))

    def told(old: object, new: object) -> list[tuple[int, int]]:
        found = changes(old, new, lambda link: body(link, Traffic()))  # type: ignore[arg-type]
        return [(one.group, next(wire.messages(one.message)).type) for one in found]

    assert told(before, before) == []
    assert told(before, after) == [(5, 20), (7, 24), (7, 24), (7, 24)]
    assert told(after, before) == [(7, 25), (7, 25), (7, 25), (5, 21)]
    unplugged = replace(
        before, links=(*before.links[:1], replace(before.links[1], carrier=False), *before.links[2:])
    )
    assert told(before, unplugged) == [(1, 16)]
    fewer = replace(
        before, links=before.links[:-1], addresses=tuple(a for a in before.addresses if a.index != 3)
    )
    assert told(before, fewer)[-2:] == [(5, 21), (1, 17)]


def word(kind: int, *, ino: int = 1, value: int = 0, host: int = 0, magic: int | None = None) -> bytes:
    """What a shim says first."""
    fields = {"magic": lib.SW_ROUTE_MAGIC if magic is None else magic, "kind": kind, "host": host, "ino": ino}
    return bytes(ffi.buffer(ffi.new("struct sw_route_word *", {**fields, "value": value})))


def knock(lab: Switched, first: bytes) -> socket.socket:
    """A connection that begins like this."""
    one = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    one.settimeout(10)
    one.connect(service_address(lab.page, "route"))
    one.send(first)
    return one


def error(raw: bytes) -> int:
    """The errno in an answer to a word."""
    return int(struct.unpack_from("=i", raw)[0])


def test_noise_at_the_door_is_shown_the_door(lab: Switched) -> None:
    noise = [b"x", bytes(24), b"\xff" * 24, b"x" * 100_000, word(lib.SW_ROUTE_SOCKET, magic=1)]
    for first in [*noise, word(lib.SW_ROUTE_SOCKET, host=77)]:
        assert knock(lab, first).recv(100) == b""
    assert lab.do("ping")


def test_words_about_nobody_change_nothing(lab: Switched) -> None:
    for kind in (lib.SW_ROUTE_BIND, lib.SW_ROUTE_JOIN, lib.SW_ROUTE_LEAVE, lib.SW_ROUTE_ASK, 99):
        assert error(knock(lab, word(kind)).recv(100)) != 0
    assert error(knock(lab, word(lib.SW_ROUTE_SOCKET, ino=5)).recv(100)) == 0
    assert error(knock(lab, word(lib.SW_ROUTE_SOCKET, value=4)).recv(100)) != 0


def test_groups_end_with_their_socket(lab: Switched) -> None:
    member = knock(lab, word(lib.SW_ROUTE_SOCKET, ino=5))
    assert error(member.recv(100)) == 0
    for value in (0, 65, 1 << 31):
        assert error(knock(lab, word(lib.SW_ROUTE_JOIN, ino=5, value=value)).recv(100)) != 0
    assert error(knock(lab, word(lib.SW_ROUTE_JOIN, ino=5, value=1)).recv(100)) == 0
    lab.do("link", interface="server.eth0", up=False)
    assert next(wire.messages(member.recv(4096))).type == 16
    member.close()
    lab.do("link", interface="server.eth0", up=True)
    while error(knock(lab, word(lib.SW_ROUTE_ASK, ino=5)).recv(100)) == 0:
        pass  # the switch has not heard of the end yet


def test_a_program_that_does_not_read_is_not_read(lab: Switched) -> None:
    """It fills what is its own, and the network does not notice."""
    hog = knock(lab, word(lib.SW_ROUTE_SOCKET, ino=5))
    assert error(hog.recv(100)) == 0
    hog.setblocking(False)
    request = wire.message(GETROUTE, DUMP, 1, 0, bytes(12))
    with contextlib.suppress(BlockingIOError):
        while True:
            hog.send(request)
    assert lab.do("ping")
    hog.settimeout(10)
    kinds = {one.type for _ in range(100) for one in wire.messages(hog.recv(65536))}
    assert kinds == {24, wire.NLMSG_DONE}


def test_there_is_an_end_to_sockets(lab: Switched) -> None:
    """Flows keep their fds."""
    refused = None
    for ino in range(1, 600):
        refused = error(knock(lab, word(lib.SW_ROUTE_SOCKET, ino=ino)).recv(100))
        if refused:
            break
    assert refused == 23  # ENFILE
    assert lab.do("ping")
