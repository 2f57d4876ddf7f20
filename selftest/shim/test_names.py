"""A host of the lab resolves by name to its addresses; everything else is unknown at once, and no query leaves."""

from __future__ import annotations

import json

import pytest

from selftest.support.network import Network


def say(lab: Network, expression: str) -> object:
    """The value of a Python expression in host `server`, through JSON."""
    return json.loads(lab.python("server", f"import json, os, socket; print(json.dumps({expression}))"))


def test_a_host_has_all_its_addresses(lab: Network) -> None:
    found = say(lab, "[a[4][0] for a in socket.getaddrinfo('laptop', 80, type=socket.SOCK_STREAM)]")
    assert found == ["10.0.1.2", "fd00:1::2", "10.0.2.2"]


def test_a_family_may_be_asked_for(lab: Network) -> None:
    assert say(
        lab, "[a[4][0] for a in socket.getaddrinfo('laptop', 80, socket.AF_INET6, socket.SOCK_STREAM)]"
    ) == ["fd00:1::2"]


def test_a_name_has_no_case_and_may_end_in_a_dot(lab: Network) -> None:
    assert say(lab, "socket.gethostbyname_ex('LapTop.')") == ["laptop", [], ["10.0.1.2", "10.0.2.2"]]


def test_numbers_are_numbers(lab: Network) -> None:
    assert say(lab, "socket.gethostbyname('192.0.2.7')") == "192.0.2.7"
    assert say(lab, "socket.getaddrinfo('fd00::7', 'http', type=socket.SOCK_STREAM)[0][4][:2]") == [
        "fd00::7",
        80,
    ]


@pytest.mark.parametrize("name", ["example.com", "no-such-host", "lap"])
def test_any_other_name_is_unknown(lab: Network, name: str) -> None:
    done = lab.run(
        "server",
        "/usr/bin/env",
        "python3",
        "-c",
        f"import socket; socket.getaddrinfo({name!r}, 80)",
        timeout=5,
    )
    assert "Name or service not known" in done.stderr


def test_an_address_has_its_hosts_name(lab: Network) -> None:
    assert say(lab, "socket.gethostbyaddr('10.0.2.2')") == ["laptop", [], ["10.0.2.2"]]
    assert say(lab, "socket.getnameinfo(('10.0.1.2', 80), 0)") == ["laptop", "http"]
    assert say(lab, "socket.getnameinfo(('192.0.2.7', 80), 0)[0]") == "192.0.2.7"


def test_a_host_knows_its_own_name(lab: Network) -> None:
    assert say(lab, "[socket.gethostname(), os.uname().nodename, socket.getfqdn()]") == ["server"] * 3


def test_localhost_is_each_hosts_own(lab: Network) -> None:
    assert say(lab, "[a[4][0] for a in socket.getaddrinfo('localhost', 80, type=socket.SOCK_STREAM)]") == [
        "127.0.0.1",
        "::1",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "env -i /bin/sh -c 'uname -n'",
        "LD_PRELOAD= SWRAP_HOST=server /bin/sh -c 'exec uname -n'",
        """LD_PRELOAD="$(printf %600s)$LD_PRELOAD" exec /bin/sh -c "env -i /bin/sh -c 'uname -n'" """,
    ],
)
def test_a_child_with_another_environment_is_in_the_host_all_the_same(lab: Network, command: str) -> None:
    assert lab.run("server", "/bin/sh", "-c", command).stdout == "server\n"
