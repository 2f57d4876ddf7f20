"""Addresses that come, go and move; rates, speeds: in force at once, seen by everybody, and taken back by heal."""

from __future__ import annotations

import errno
import select
from ipaddress import ip_address, ip_interface

import pytest

from selftest.switch.driver import Switched, receive, soon, wait
from swrap.abi import ffi, lib
from swrap.abi.page import pack_ip
from swrap.switch.client import ControlError


def addresses(lab: Switched, interface: str) -> list[str]:
    """Those that the page shows."""
    return [str(one) for one in lab.page.addresses()[lab.page.interface_index(interface)]]


def has(lab: Switched, host: str, address: str) -> bool:
    """Is it the host's own, for a program there?"""
    source, iface = ffi.new("uint8_t[16]"), ffi.new("uint32_t *")
    found = lib.sw_route(lab.page.address, lab.host(host), 0, pack_ip(ip_address(address)), source, iface)
    return found == 0 and lab.page.interfaces()[iface[0]] == f"{host}.lo"


def test_an_added_address_can_be_listened_on_and_reached(lab: Switched) -> None:
    assert lab.do("add-address", interface="server.eth0", address="10.0.1.9/24") == {"flows": 0, "bytes": 0}
    assert addresses(lab, "server.eth0") == ["10.0.1.1/24", "fd00:1::1/64", "10.0.1.9/24"]
    assert has(lab, "server", "10.0.1.9")
    assert not has(lab, "laptop", "10.0.1.9")
    client, server = lab.pair(remote="10.0.1.9")
    client.sendall(b"x")
    assert receive(server, 1) == b"x"
    assert lab.flow()["interfaces"] == ["laptop.eth0", "server.eth0"]


def test_all_hosts_keep_theirs_when_one_gets_another(lab: Switched) -> None:
    before = {name: addresses(lab, name) for name in lab.page.interfaces()}
    lab.do("add-address", interface="server.eth0", address="fd00:1::9/64")
    lab.do("add-address", interface="laptop.wlan0", address="10.0.2.9/24")
    lab.do("remove-address", address="fd00:1::9")
    lab.do("remove-address", address="10.0.2.9")
    assert {name: addresses(lab, name) for name in lab.page.interfaces()} == before
    for host in ("server", "laptop", "desk"):
        assert has(lab, host, "127.0.0.1")
        assert has(lab, host, "::1")


def test_a_removed_address_freezes_its_flows_and_meets_silence(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("remove-address", address="10.0.1.1")["flows"] == 1
    client.sendall(b"held")
    assert wait(server, select.POLLIN, 0.05) == 0
    waiting = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert wait(waiting, select.POLLOUT, 0.05) == 0
    lab.listen("server", "10.0.1.1", 445)
    assert lab.do("heal") == {"flows": 2, "bytes": 4}
    assert receive(server, 4) == b"held"
    assert wait(waiting, select.POLLOUT) == select.POLLOUT


def test_an_address_that_moves_takes_new_connections_along_and_freezes_the_old(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("move", address="10.0.1.1", to="desk.eth0")["flows"] == 1
    assert addresses(lab, "desk.eth0") == ["10.0.1.3/24", "10.0.1.1/24"]
    client.sendall(b"to the old one")
    server.sendall(b"from the old one")
    assert wait(server, select.POLLIN, 0.05) == wait(client, select.POLLIN, 0) == 0
    assert lab.ask(client).unacked == 14
    listener = lab.listen("desk", "10.0.1.1", 445)
    another = lab.connect()
    accepted = lab.accept(listener)
    another.sendall(b"to the new one")
    assert receive(accepted, 14) == b"to the new one"
    assert lab.do("flows")[1]["server_host"] == "desk"
    lab.do("move", address="10.0.1.1", to="server.eth0")
    assert receive(server, 14) == b"to the old one"
    assert receive(client, 16) == b"from the old one"
    another.sendall(b"x")
    assert wait(accepted, select.POLLIN, 0.05) == 0


def test_a_tickle_ends_the_old_connections_at_once(lab: Switched) -> None:
    (client, server), other = lab.pair(), lab.pair(remote="10.0.2.1", local="10.0.2.2")
    assert lab.do("move", address="10.0.1.1", to="desk.eth0", reset=True)["flows"] == 1
    for one in client, server:
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        assert lab.ask(one).error == errno.ECONNRESET
    other[0].sendall(b"x")
    assert receive(other[1], 1) == b"x"


def test_a_client_whose_own_address_is_gone_is_frozen_too(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("remove-address", address="10.0.1.2")
    server.sendall(b"x")
    assert wait(client, select.POLLIN, 0.05) == 0
    lab.do("add-address", interface="laptop.eth0", address="10.0.1.2/24")
    assert receive(client, 1) == b"x"


def test_an_address_that_changes_its_interface_takes_its_flows_along(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("move", address="10.0.1.1", to="server.wlan0")
    client.sendall(b"x")
    assert receive(server, 1) == b"x"
    assert lab.flow()["interfaces"] == ["laptop.eth0", "server.wlan0"]
    lab.do("link", interface="server.wlan0", up=False)
    client.sendall(b"y")
    assert wait(server, select.POLLIN, 0.05) == 0


def test_a_speed_is_what_is_reported(lab: Switched) -> None:
    number = lab.page.interface_index("server.eth0")
    lab.do("speed", interface="server.eth0", speed=100_000_000)
    assert lab.page.interface(number).speed == 100_000_000
    lab.do("heal")
    assert lab.page.interface(number).speed == 1_000_000_000


def test_heal_brings_back_all_that_was_changed(lab: Switched) -> None:
    before = lab.do("interfaces")
    lab.do("rate", interface="server.eth0", rate=1_000_000)
    lab.do("speed", interface="server.eth0", speed=1)
    lab.do("link", interface="laptop.eth0", up=False)
    lab.do("move", address="10.0.1.1", to="laptop.wlan0")
    lab.do("add-address", interface="server.eth0", address="192.0.2.1/24")
    lab.do("remove-address", address="10.0.2.2")
    assert lab.do("interfaces") != before
    lab.do("heal")
    assert lab.do("interfaces") == before


def test_there_is_room_for_a_few_hundred(lab: Switched) -> None:
    for number in range(256):
        lab.do("add-address", interface="desk.eth0", address=f"10.9.{number}.1/24")
    with pytest.raises(ControlError, match="at most 256 addresses more"):
        lab.do("add-address", interface="desk.eth0", address="10.10.0.1/24")
    assert has(lab, "desk", "10.9.255.1")
    soon(lambda: len(addresses(lab, "desk.eth0")) == 257)
    assert ip_interface("10.9.255.1/24") in lab.page.addresses()[lab.page.interface_index("desk.eth0")]


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        (
            "add-address",
            {"interface": "server.eth0", "address": "10.0.1.2/24"},
            "10.0.1.2 is taken: laptop.eth0 has it",
        ),
        ("add-address", {"interface": "server.eth0", "address": "10.0.1.9"}, "has a prefix"),
        (
            "add-address",
            {"interface": "server.lo", "address": "10.0.1.9/24"},
            "lo has no address but its own",
        ),
        ("add-address", {"interface": "server.eth0", "address": "224.0.0.1/24"}, "224.0.0.1/24"),
        ("remove-address", {"address": "10.0.1.77"}, "no interface has the address 10.0.1.77"),
        ("remove-address", {"address": "127.0.0.1"}, "no interface has the address 127.0.0.1"),
        ("remove-address", {}, "is no IP address"),
        ("move", {"address": "10.0.1.1", "to": "server.eth0"}, "server.eth0 has 10.0.1.1 already"),
        (
            "move",
            {"address": "10.0.1.1", "to": "desk.eth9"},
            "no interface desk.eth9; did you mean 'desk.eth0'?",
        ),
        ("move", {"address": "10.0.1.1", "to": "desk.eth0", "reset": 1}, "reset is true or false"),
        ("speed", {"interface": "server.eth0"}, "a speed is a number of bits per second"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    lab: Switched, verb: str, args: dict[str, object], words: str
) -> None:
    before = lab.do("interfaces")
    with pytest.raises(ControlError) as caught:
        lab.do(verb, **args)
    assert words in str(caught.value)
    assert lab.do("interfaces") == before
