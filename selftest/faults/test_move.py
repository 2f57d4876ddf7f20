"""move names an address and where it goes."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


def test_it_asks_for_what_it_says(spelled: Any) -> None:
    fault = spelled("move", {"address": "10.0.1.1", "to": "server.eth0", "reset": True})
    assert fault.asks() == [("move", "10.0.1.1", "server.eth0", True)]
    assert [*fault.fault.against(LAB)] == []


def test_in_silence_unless_told_otherwise(spelled: Any) -> None:
    move = spelled("move", {"address": "10.0.1.1", "to": "server.eth1"})
    assert move.asks() == [("move", "10.0.1.1", "server.eth1", False)]
    ((where, _),) = move.fault.against(LAB)
    assert where == ("to",)
