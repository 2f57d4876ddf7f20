"""link-up plugs the cable in, and may find nothing waiting."""

from __future__ import annotations

from typing import Any


def test_it_plugs_the_cable_in(spelled: Any) -> None:
    up = spelled("link-up", "server.eth0")
    assert up.asks() == [("link", "server.eth0", True)]
    assert up.fault.data() == {"interface": "server.eth0"}
    assert up.fault.may_miss
    assert up.fault.verb == "link-up"
