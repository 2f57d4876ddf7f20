"""Which traffic is meant, as it is written on a command line."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.cli.traffic import match, touched
from swrap.lab.errors import Refused


@pytest.mark.parametrize(
    ("what", "port", "between", "meant"),
    [
        ("server", None, None, {"host": "server"}),
        ("server.eth0", None, None, {"interface": "server.eth0"}),
        ("server.eth0.100", None, None, {"interface": "server.eth0.100"}),
        ("10.0.1.1", None, None, {"address": "10.0.1.1"}),
        ("10.0.1.1:445", None, None, {"address": "10.0.1.1", "port": 445}),
        ("10.0.1.1:445", 445, None, {"address": "10.0.1.1", "port": 445}),
        ("fd00::1", None, None, {"address": "fd00::1"}),
        ("[fd00::1]", None, None, {"address": "fd00::1"}),
        ("[fd00:0::1]:445", None, None, {"address": "fd00::1", "port": 445}),
        (None, 445, None, {"port": 445}),
        (None, None, ("a", "b"), {"between": ["a", "b"]}),
        ("server", 445, ("a", "b"), {"host": "server", "port": 445, "between": ["a", "b"]}),
    ],
)
def test_hosts_interfaces_addresses_and_ports_are_told_apart(
    what: str | None, port: int | None, between: tuple[str, str] | None, meant: dict[str, Any]
) -> None:
    assert match(what, port, between) == meant


@pytest.mark.parametrize(
    ("what", "port"),
    [(None, None), ("[x]:1", None), ("10.0.1.300:80", None), ("10.0.1.1:80", 81), ("a", 65536)],
)
def test_what_can_mean_nothing_is_refused(what: str | None, port: int | None) -> None:
    with pytest.raises(Refused):
        match(what, port, None)


def test_one_is_one_and_two_are_many() -> None:
    assert touched({"flows": 1, "bytes": 1}) == "1 flow, 1 byte under way"
    assert touched({"flows": 2, "bytes": 0}) == "2 flows, 0 bytes under way"
