"""Segments are apart unless a host forwards: what crosses it crosses its interfaces, and meets what befalls those."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, receive, switched, wait
from selftest.switch.test_datagram import DATA, HEAD, udp, word
from swrap.abi.page import Page
from swrap.switch.rtnetlink.view import RTN_UNICAST, look, way
from swrap.topology import Host, Interface, Topology

ITS_OWN_TTL = 4
WAY = ["laptop.eth0", "near.left", "near.right", "far.left", "far.right", "server.eth0"]


def host(name: str, *interfaces: str, gateway: str | None = None, forward: bool = False) -> Host:
    """`eth0=10.0.1.1/24` is an interface."""
    made = []
    for text in interfaces:
        named, _, address = text.partition("=")
        made.append(Interface(named, tuple(ip_interface(one) for one in address.split(","))))
    return Host(name, tuple(made), forward, None if gateway is None else ip_address(gateway))


TOPOLOGY = Topology(
    (
        host("server", "eth0=10.0.3.1/24,fd00:3::1/64", gateway="10.0.3.254"),
        host("laptop", "eth0=10.0.1.2/24,fd00:1::2/64", gateway="10.0.1.254"),
        host("desk", "eth0=10.0.1.3/24"),
        host("near", "left=10.0.1.254/24", "right=10.0.2.1/24", gateway="10.0.2.2", forward=True),
        host("far", "left=10.0.2.2/24", "right=10.0.3.254/24", gateway="10.0.2.1", forward=True),
        host("mute", "eth0=10.0.3.9/24"),
    )
)


@pytest.fixture
def routed(tmp_path: Path) -> Iterator[Switched]:
    """A laptop and a server with two routers between them."""
    with switched(tmp_path / "lab", "--syn-timeout", "0.3", network=TOPOLOGY) as lab:
        yield lab


Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair(routed: Switched) -> Pair:
    """A connection across them."""
    return routed.pair(remote="10.0.3.1")


def crossed(lab: Switched) -> dict[str, int]:
    """Bytes that each interface sent or received."""
    return {f"{one['name']}": one["tx_bytes"] + one["rx_bytes"] for one in lab.do("interfaces")}


def test_a_flow_crosses_the_interfaces_of_its_routers(routed: Switched, pair: Pair) -> None:
    client, server = pair
    client.sendall(b"there")
    assert receive(server, 5) == b"there"
    server.sendall(b"back")
    assert receive(client, 4) == b"back"
    assert routed.flow()["interfaces"] == WAY
    assert {name: crossed(routed)[name] for name in WAY} == dict.fromkeys(WAY, 9)


@pytest.mark.parametrize("interface", WAY)
def test_a_cable_of_a_router_that_is_pulled_freezes_it(routed: Switched, pair: Pair, interface: str) -> None:
    client, server = pair
    assert routed.do("link", interface=interface, up=False)["flows"] == 1
    client.sendall(b"x")
    assert not wait(server, select.POLLIN, 0.02)
    routed.do("link", interface=interface, up=True)
    assert receive(server, 1) == b"x"


def test_a_fault_on_an_interface_of_a_router_is_one_of_what_crosses_it(routed: Switched, pair: Pair) -> None:
    client, server = pair
    assert routed.do("block", interface="far.left", direction="in")["flows"] == 1
    server.sendall(b"x")
    assert receive(client, 1) == b"x"
    client.sendall(b"y")
    assert not wait(server, select.POLLIN, 0.02)
    routed.do("heal")
    assert receive(server, 1) == b"y"
    routed.do("delay", interface="near.right", time=0.03)
    began = time.monotonic()
    client.sendall(b"z")
    assert receive(server, 1) == b"z"
    assert time.monotonic() - began > 0.029


def test_the_rate_of_a_router_is_shared(routed: Switched, pair: Pair) -> None:
    client, server = pair
    routed.do("rate", interface="near.right", rate=8_000_000)
    began = time.monotonic()
    client.sendall(bytes(200_000))
    receive(server, 200_000)
    assert time.monotonic() - began > 0.18


def test_a_router_is_reached_at_all_its_addresses(routed: Switched) -> None:
    for ip in ("10.0.1.254", "10.0.2.1"):
        listener = routed.listen("near", ip, 22)
        routed.connect(ip, 22)
        routed.accept(listener)
        listener.close()


@pytest.mark.parametrize(
    ("origin", "source", "target", "error"),
    [
        ("desk", "10.0.1.3", "10.0.3.1", errno.ENETUNREACH),
        ("laptop", "fd00:1::2", "fd00:3::1", errno.ENETUNREACH),
        ("laptop", "10.0.1.2", "10.0.3.9", errno.ETIMEDOUT),  # it has no way back
        ("laptop", "10.0.1.2", "10.0.3.77", errno.ETIMEDOUT),  # nobody is there
        ("laptop", "10.0.1.2", "10.9.9.9", errno.ETIMEDOUT),  # the routers pass it to each other
        ("server", "10.0.3.1", "10.0.1.3", errno.ETIMEDOUT),
    ],
)
def test_where_there_is_no_way(routed: Switched, origin: str, source: str, target: str, error: int) -> None:
    with pytest.raises(OSError, match=os.strerror(error)):
        routed.connect(target, 445, source, origin)


def test_each_router_takes_one_off_the_ttl(routed: Switched) -> None:
    server, client = udp(routed, "server", "10.0.3.1", 53), udp(routed, "laptop")
    for ttl in (1, 2, 3, 64):
        datagram = bytearray(word(DATA, "10.0.3.1", 53, flags=ITS_OWN_TTL, more=bytes([ttl])))
        datagram[6] = ttl
        client.send(datagram)
    routed.do("ping")
    got = [server.recv(1000) for _ in range(2)]
    assert [(HEAD.unpack(one[: HEAD.size])[3], one[-1]) for one in got] == [(1, 3), (62, 64)]


def test_the_routing_table_has_the_gateway(tmp_path: Path) -> None:
    page = Page.create(tmp_path / "page", TOPOLOGY)
    laptop, gateway = page.hosts().index("laptop"), ip_address("10.0.1.254")
    default = next(one for one in look(page, laptop).routes() if one.gateway)
    assert (str(default.to), default.kind, default.gateway) == ("0.0.0.0/0", RTN_UNICAST, gateway)
    found = way(page, laptop, ip_address("10.0.3.1"))
    assert found
    assert found[1:] == (ip_address("10.0.1.2"), gateway)
    assert way(page, laptop, gateway) == (found[0], found[1], None)
    assert way(page, page.hosts().index("desk"), ip_address("10.0.3.1")) is None
    page.close()
