"""The picture of the network is read from what a run says of its lab, whatever form of a lab file that is."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from swrap.report.network import Network
from swrap.topology import Host, Interface, Topology
from swrap.topology.spelled import spelled


def network(topology: Any) -> Network:
    made = Network()
    made.load(topology)
    return made


LONG = {"hosts": {"a": {"eth0": {"address": ["10.0.1.1/24", "fd00::1/64"], "speed": "10G", "rate": "80M"}}}}


def test_long_and_short_forms_are_the_same_network() -> None:
    port = network(LONG).ports["a.eth0"]
    assert [str(address) for address in port.addresses] == ["10.0.1.1/24", "fd00::1/64"]
    assert (port.speed, port.rate) == (10_000_000_000, 80_000_000)
    short = network({"hosts": {"a": {"eth0": "10.0.1.1/24", "eth1": ["10.0.2.1/24"], "gateway": "10.0.1.9"}}})
    assert list(short.ports) == ["a.eth0", "a.eth1"]
    assert (short.ports["a.eth0"].speed, short.ports["a.eth0"].rate) == (1_000_000_000, None)


def test_ports_in_one_subnet_share_a_segment() -> None:
    lab = {
        "a": {"eth0": "10.0.1.1/24", "eth1": "10.0.2.1/24"},
        "b": {"eth0": "10.0.1.2/24"},
        "c": {"e": "10.0.1.3/24"},
    }
    first, second = network({"hosts": lab}).segments()
    assert (first.left.name, [port.name for port in first.right]) == ("a.eth0", ["b.eth0", "c.e"])
    assert (second.left.name, second.right) == ("a.eth1", ())


@pytest.mark.parametrize(
    "topology", [None, {}, [], "x", 5, {"hosts": None}, {"hosts": {"a": {"eth0": {"address": "?"}}}}]
)
def test_a_topology_that_cannot_be_read_is_no_reason_to_fail(topology: Any) -> None:
    assert all(not port.addresses for port in network(topology).ports.values())


def test_an_interface_that_was_never_told_of_appears_with_its_first_event() -> None:
    made = network({})
    made.port("x.eth9").turn(False, 2.0)
    assert made.hosts == ["x"]
    assert (made.ports["x.eth9"].up, made.ports["x.eth9"].since) == (False, 2.0)


def test_telling_twice_that_a_cable_is_out_does_not_move_the_moment() -> None:
    port = network(LONG).ports["a.eth0"]
    port.turn(False, 2.0)
    port.turn(False, 3.0)
    port.turn(True, 4.0)
    assert port.history == [(2.0, False), (4.0, True)]


def test_a_topology_as_a_run_spells_it_is_read_back() -> None:
    eth0 = Interface(
        "eth0", (ip_interface("10.0.1.1/24"), ip_interface("fd00::1/64")), 10**10, 80_000_000, rss=True
    )
    router = Host("r", (eth0, Interface("wlan0", (ip_interface("10.0.2.1/24"),))), forward=True)
    laptop = Host(
        "laptop", (Interface("eth0", (ip_interface("10.0.1.2/24"),)),), gateway=ip_address("10.0.1.1")
    )
    read = network(spelled(Topology((router, laptop))))
    assert list(read.ports) == ["r.eth0", "r.wlan0", "laptop.eth0"]
    port = read.ports["r.eth0"]
    assert (port.addresses, port.speed, port.rate) == (eth0.addresses, 10**10, 80_000_000)
    assert read.ports["laptop.eth0"].speed == 10**9
