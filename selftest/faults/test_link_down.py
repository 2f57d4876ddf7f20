"""link-down pulls the cable of the interface that it names, and of no other."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

import pytest

from swrap.topology import Host, Interface, Topology

LAB = Topology((Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),))


@pytest.mark.parametrize("value", ["server.eth0", {"interface": "server.eth0"}])
def test_both_spellings_pull_the_cable(spelled: Any, value: Any) -> None:
    down = spelled("link-down", value)
    assert down.asks() == [("link", "server.eth0", False)]
    assert down.fault.data() == {"interface": "server.eth0"}
    assert [*down.fault.against(LAB)] == []
    assert not down.fault.may_miss


def test_an_unknown_interface_gets_a_suggestion(spelled: Any) -> None:
    down = spelled("link-down", "server.eth9")
    assert [*down.fault.against(LAB)] == [
        (("interface",), "no interface server.eth9; did you mean 'server.eth0'?")
    ]


@pytest.mark.parametrize("value", [None, 5, {}, {"interfaces": "server.eth0"}])
def test_anything_else_is_refused(spelled: Any, value: Any) -> None:
    assert spelled("link-down", value).wrong
