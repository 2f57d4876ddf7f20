"""rate is what an interface carries; without one there is no limit."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


def test_it_asks_for_what_it_says(spelled: Any) -> None:
    fault = spelled("rate", {"interface": "server.eth0", "rate": "10M"})
    assert fault.asks() == [("rate", "server.eth0", 10_000_000)]
    assert [*fault.fault.against(LAB)] == []


def test_no_limit_is_told_as_such(spelled: Any) -> None:
    assert spelled("rate", {"interface": "server.eth0"}).asks() == [("rate", "server.eth0", None)]
    assert spelled("rate", {"interface": "server.eth0"}).fault.data() == {
        "interface": "server.eth0",
        "rate": None,
    }


def test_nothing_is_no_rate(spelled: Any) -> None:
    assert spelled("rate", {"interface": "server.eth0", "rate": 0}).wrong == [
        "a rate is more than 0 bits per second; link-down stops all"
    ]
    ((where, said),) = spelled("rate", {"interface": "server.eth1", "rate": 1}).fault.against(LAB)
    assert where == ("interface",)
    assert said == "no interface server.eth1; did you mean 'server.eth0'?"
