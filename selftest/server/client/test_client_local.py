"""The running kernel's own words on its interfaces are understood."""

from __future__ import annotations

from ipaddress import ip_address

from server.client.local import KernelInterfaces


def test_loopback_is_there_and_up() -> None:
    [loopback] = [one for one in KernelInterfaces().snapshot() if one.address == ip_address("127.0.0.1")]
    assert loopback.interface == "lo"
    assert str(loopback.network) == "127.0.0.0/8"
    assert loopback.up
    assert loopback.speed == 0, "lo has no driver to ask"
