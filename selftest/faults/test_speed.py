"""speed is what an interface reports."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


def test_it_asks_for_what_it_says(spelled: Any) -> None:
    fault = spelled("speed", {"interface": "server.eth0", "speed": "100M"})
    assert fault.asks() == [("speed", "server.eth0", 100_000_000)]
    assert [*fault.fault.against(LAB)] == []
