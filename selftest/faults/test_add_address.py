"""add-address names an interface, and an address with its prefix."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


def test_it_asks_for_what_it_says(spelled: Any) -> None:
    fault = spelled("add-address", {"interface": "server.eth0", "address": "10.0.1.9/24"})
    assert fault.asks() == [("add-address", "server.eth0", "10.0.1.9/24")]
    assert [*fault.fault.against(LAB)] == []


def test_without_a_prefix_it_is_refused(spelled: Any) -> None:
    assert spelled("add-address", {"interface": "server.eth0", "address": "10.0.1.9"}).wrong == [
        "10.0.1.9 has no prefix length; did you mean 10.0.1.9/24?"
    ]


def test_what_comes_later_may_name_the_address(spelled: Any) -> None:
    grown = spelled("add-address", {"interface": "server.eth0", "address": "10.0.1.9/24"}).fault.after(LAB)
    block = spelled("block", {"address": "10.0.1.9"}).fault
    assert [*block.against(LAB)] != []
    assert [*block.against(grown)] == []
    again = spelled("add-address", {"interface": "server.eth0", "address": "10.0.1.1/24"}).fault
    assert again.after(LAB) == LAB
