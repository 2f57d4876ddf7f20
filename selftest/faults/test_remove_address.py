"""remove-address names an address."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


def test_it_asks_for_what_it_says(spelled: Any) -> None:
    fault = spelled("remove-address", "10.0.1.1")
    assert fault.asks() == [("remove-address", "10.0.1.1")]
    assert [*fault.fault.against(LAB)] == []


def test_the_long_form_is_the_same(spelled: Any) -> None:
    assert spelled("remove-address", {"address": "10.0.1.1"}).asks() == [("remove-address", "10.0.1.1")]
    assert spelled("remove-address", "server").wrong
