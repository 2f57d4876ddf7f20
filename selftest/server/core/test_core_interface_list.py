"""A client is told of every address it could connect to, and of no other."""

from __future__ import annotations

from ipaddress import ip_address

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, interface, ready
from server.core.interface_list import advertised
from server.wire.header import Command
from server.wire.ioctl import ControlCode, IoctlRequest, IoctlResponse, NetworkInterface, decode_interfaces


def ask(peer: Peer, session: LoggedOn) -> tuple[NetworkInterface, ...]:
    body = IoctlRequest(ControlCode.QUERY_NETWORK_INTERFACE_INFO).encode()
    return decode_interfaces(IoctlResponse.decode(peer.ask(Command.IOCTL, body, session).body).data)


def test_carrier_index_and_reach_decide() -> None:
    listed = advertised(
        [
            interface(1, "127.0.0.1", loopback=True),
            interface(2, "10.0.1.1", rss=True, speed=10_000_000_000),
            interface(3, "10.0.2.1", running=False),
            interface(4, "fe80::1"),
            interface(4, "fd00::1"),
            interface(0, "10.0.9.1"),
        ]
    )
    assert [(found.index, str(found.address)) for found in listed] == [(2, "10.0.1.1"), (4, "fd00::1")]
    assert (listed[0].link_speed, listed[0].capability) == (10_000_000_000, 1)


def test_rdma_is_reported_where_the_administrator_says_so() -> None:
    there = [interface(2, "10.0.1.1", rss=True), interface(3, "10.0.2.1")]
    named = there[1].name
    assert [found.capability for found in advertised(there, [named])] == [1, 2]


def test_loopback_is_told_where_there_is_nothing_else() -> None:
    assert len(advertised([interface(1, "127.0.0.1", loopback=True)])) == 1


def test_a_pulled_cable_shows_in_the_next_answer(server: InProcess) -> None:
    peer, session = ready(server)
    server.interfaces.interfaces = [interface(2, "10.0.1.1"), interface(3, "10.0.2.1")]
    assert [found.index for found in ask(peer, session)] == [2, 3]
    server.interfaces.interfaces = [interface(2, "10.0.1.1", running=False), interface(3, "10.0.2.1")]
    assert [found.address for found in ask(peer, session)] == [ip_address("10.0.2.1")]
