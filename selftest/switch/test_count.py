"""Bytes, packets and losses are counted where they happen: on interfaces, on flows, and in what is told of them."""

from __future__ import annotations

from typing import Any

from selftest.switch.driver import Switched, receive, soon
from selftest.switch.test_datagram import payloads, udp, word
from swrap.switch.plane import Count
from swrap.switch.rtnetlink.link import Traffic

DATA = 1


def interface(lab: Switched, name: str) -> dict[str, Any]:
    """An interface's counters."""
    (found,) = [one for one in lab.do("interfaces") if one["name"] == name]
    return {key: value for key, value in found.items() if key[:3] in ("tx_", "rx_")}


def test_a_stream_counts_as_the_segments_that_it_fits_into(lab: Switched) -> None:
    client, server = lab.pair()
    client.sendall(bytes(3 * 1460 + 1))
    receive(server, 3 * 1460 + 1)
    server.sendall(b"x")
    receive(client, 1)
    soon(lambda: lab.flow()["to_client"]["packets"] == 1)
    to_server = lab.flow()["to_server"]
    assert (to_server["bytes"], to_server["packets"], to_server["lost"]) == (4381, 4, 0)
    sent = {"tx_bytes": 4381, "tx_packets": 4, "tx_lost": 0, "rx_bytes": 1, "rx_packets": 1, "rx_lost": 0}
    assert interface(lab, "laptop.eth0") == sent
    other = {"rx_bytes": 4381, "rx_packets": 4, "rx_lost": 0, "tx_bytes": 1, "tx_packets": 1, "tx_lost": 0}
    assert interface(lab, "server.eth0") == other


def test_what_is_lost_is_counted_where_the_cable_is_out_or_a_rule_stops_it(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    client.sendall(bytes(2000))
    soon(lambda: lab.flow()["to_server"]["lost"] == 2)
    assert interface(lab, "server.eth0")["rx_lost"] == 2
    assert interface(lab, "laptop.eth0")["tx_lost"] == 0
    lab.do("heal")
    receive(server, 2000)
    lab.do("block", port=445)
    client.sendall(b"x")
    soon(lambda: lab.flow()["to_server"]["lost"] == 3)
    assert interface(lab, "laptop.eth0")["tx_lost"] == 1


def test_datagrams_that_are_dropped(lab: Switched) -> None:
    server, client = udp(lab, "server", port=5300), udp(lab, "laptop", "10.0.1.2", 4000)
    client.send(word(DATA, "10.0.1.1", 5300, more=bytes(100)))
    assert payloads(lab, server) == [bytes(100)]
    lab.do("block", port=5300)
    client.send(word(DATA, "10.0.1.1", 5300, more=bytes(100)))
    assert payloads(lab, server) == []
    counted = interface(lab, "laptop.eth0")
    assert (counted["tx_bytes"], counted["tx_packets"], counted["tx_lost"]) == (100, 1, 1)


def test_ip_s_link_has_the_same_numbers() -> None:
    stats = Traffic(sent=Count(10, 2, 1), received=Count(30, 4, 3)).stats()
    # struct rtnl_link_stats64: rx and tx packets, bytes, errors, dropped (linux/if_link.h)
    assert stats == [4, 2, 30, 10, 0, 0, 3, 1]
