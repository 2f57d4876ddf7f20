"""block drops exactly what it describes; what the lab does not have is named before anything runs."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

import pytest

from swrap.faults import Match
from swrap.faults.effects import Drop, Reject
from swrap.topology import Host, Interface, Topology


def _host(name: str, address: str) -> Host:
    return Host(name, (Interface("eth0", (ip_interface(address),)),))


LAB = Topology((_host("server", "10.0.1.1/24"), _host("laptop", "10.0.1.2/24")))


def test_all_parts_arrive(spelled: Any) -> None:
    value = {
        "host": "server",
        "interface": "server.eth0",
        "address": "10.0.1.1",
        "port": 445,
        "direction": "in",
    }
    block = spelled("block", value)
    assert block.asks() == [("block", Match("server", "server.eth0", "10.0.1.1", 445, None, "in"), Drop())]
    assert block.fault.data() == value
    assert [*block.fault.against(LAB)] == []
    assert not block.fault.may_miss


def test_two_hosts_can_be_kept_apart(spelled: Any) -> None:
    block = spelled("block", {"between": ["server", "laptop"]})
    assert block.asks() == [("block", Match(between=("server", "laptop")), Drop())]
    assert block.fault.data() == {"between": ["server", "laptop"]}


def test_rejecting_is_told_apart_from_dropping(spelled: Any) -> None:
    block = spelled("block", {"port": 445, "reject": True})
    assert block.asks() == [("block", Match(port=445), Reject())]
    assert block.fault.data() == {"port": 445, "reject": True}


def test_it_can_be_for_new_connections_alone_and_for_many_hosts(spelled: Any) -> None:
    value = {"host": ["server", "laptop"], "state": "new"}
    block = spelled("block", value)
    assert block.asks() == [("block", Match(("server", "laptop"), state="new"), Drop())]
    assert block.fault.data() == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "one of host, interface, address, port, sport, dport, between, flow is missing here"),
        ({"prot": 445}, "unknown key 'prot'; did you mean 'port'?"),
        ({"port": 70000}, "70000 is not at most 65535"),
        ({"address": "10.0.1"}, "'10.0.1' is not an address, such as 10.0.1.1 or fd00::1"),
        ({"between": ["server"]}, "1 items; 2 at least"),
        ({"between": ["server", "server"]}, "'server' is there twice"),
        ({"port": 445, "direction": "inn"}, "unknown direction 'inn'; did you mean 'in'?"),
    ],
)
def test_what_says_nothing_sensible_is_refused(spelled: Any, value: Any, message: str) -> None:
    assert message in spelled("block", value).wrong


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"host": "sever"}, ("host",), "no host sever; did you mean 'server'?"),
        ({"interface": "eth0"}, ("interface",), "'eth0' is no interface: write HOST.INTERFACE"),
        ({"between": ["server", "lap"]}, ("between",), "no host lap; did you mean 'laptop'?"),
        ({"between": [["server", "lap"], "laptop"]}, ("between",), "no host lap; did you mean"),
        ({"address": "10.0.1.9"}, ("address",), "no interface has the address 10.0.1.9"),
        (
            {"direction": "in"},
            (),
            "say which traffic: interface, host, address, port, sport, dport, between, flow",
        ),
    ],
)
def test_what_the_lab_lacks_is_named(spelled: Any, value: Any, path: tuple[str], message: str) -> None:
    ((where, said),) = spelled("block", value).fault.against(LAB)
    assert where == path
    assert said.startswith(message)
