"""A capture shows what the ends of every connection would have put on a wire, and Wireshark believes it."""

from __future__ import annotations

import random
import select
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.support import tshark
from selftest.switch.capturing import Captured, captured, infos
from selftest.switch.driver import Switched, fill, receive, soon, wait
from selftest.switch.test_churn import sanitized, victim  # noqa: F401
from selftest.switch.test_datagram import DATA, payloads, udp, word

__all__ = ["captured"]


def test_a_connection_from_syn_to_fin(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    client.sendall(b"hello")
    receive(server, 5)
    server.sendall(bytes(2000))
    receive(client, 2000)
    client.close()
    assert server.recv(1) == b""
    server.close()
    soon(lambda: lab.do("flows") == [])
    assert captured.end()["packets"] == 12
    assert infos(captured.file) == [
        "laptop.eth0 S 0",
        "server.eth0 AS 0",
        "laptop.eth0 A 0",
        "laptop.eth0 AP 5",
        "server.eth0 A 0",
        "server.eth0 A 1460",
        "server.eth0 AP 540",
        "laptop.eth0 A 0",
        "laptop.eth0 AF 0",
        "server.eth0 A 0",
        "server.eth0 AF 0",
        "laptop.eth0 A 0",
    ]
    assert tshark.complaints(captured.file) == []


def test_ipv6_and_connections_inside_a_host(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair(remote="fd00:1::1", local="fd00:1::2")
    client.sendall(bytes(3000))
    receive(server, 3000)
    client, server = lab.pair(remote="127.0.0.1", local="127.0.0.1", host="server")
    client.sendall(bytes(100_000))
    receive(server, 100_000)
    captured.end()
    assert tshark.complaints(captured.file) == []
    assert {("laptop.eth0", "1440"), ("laptop.eth0", "120")} <= set(
        tshark.packets(captured.file, "frame.interface_name", "tcp.len", only="ipv6")
    )
    inside = tshark.packets(captured.file, "frame.interface_name", only="ip.addr == 127.0.0.1")
    assert set(inside) == {("server.lo",)}


def test_interfaces_have_their_host_their_speed_and_their_addresses(
    lab: Switched, captured: Captured
) -> None:
    captured.end()
    found = {one["Name"]: one for one in tshark.interfaces(captured.file)}
    assert list(found) == lab.page.interfaces()
    assert found["server.eth0"]["Description"] == "eth0 of host server"
    assert found["server.eth0"]["Speed"] == "1000000000"
    assert found["server.eth0"]["Encapsulation"].startswith("Ethernet")


@pytest.mark.parametrize("seed", range(2))
def test_megabytes_in_random_pieces_are_in_it_byte_by_byte(
    lab: Switched, captured: Captured, seed: int
) -> None:
    dice = random.Random(seed)
    client, server = lab.pair()
    data = dice.randbytes(3_000_000)

    def write() -> None:
        at = 0
        while at < len(data):
            size = dice.choice((1, 500, 1460, 4096, 65_536, 200_000))
            client.sendall(data[at : at + size])
            at += size

    writer = threading.Thread(target=write)
    writer.start()
    assert receive(server, len(data)) == data
    writer.join()
    port = int(lab.flow()["client"].rpartition(":")[2])
    assert "missing" not in captured.end()
    assert tshark.stream(captured.file, port) == data
    assert tshark.complaints(captured.file) == []


def test_what_is_sent_into_a_dead_path_is_sent_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    data = random.Random(1).randbytes(4000)
    client.sendall(data)
    soon(lambda: lab.ask(client).backoff >= 2)
    lab.do("link", interface="server.eth0", up=True)
    assert receive(server, 4000) == data
    captured.end()
    lost = "lost: no carrier at server.eth0"
    assert infos(captured.file)[3:] == [
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 AP 1080 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        "laptop.eth0 A 1460",
        "laptop.eth0 A 1460",
        "laptop.eth0 AP 1080",
        "server.eth0 A 0",
    ]
    at = [
        float(one[0])
        for one in tshark.packets(captured.file, "frame.time_relative", only="tcp.analysis.retransmission")
    ]
    assert at[1] - at[0] == pytest.approx(0.4, abs=0.1)
    assert tshark.complaints(captured.file) == [
        "Notes: 5 Sequence TCP This frame is a (suspected) retransmission",
    ]


def test_over_a_long_path_data_leaves_before_its_ack_does(lab: Switched, captured: Captured) -> None:
    lab.do("delay", interface="laptop.eth0", time=0.05)
    client, server = lab.pair()
    client.sendall(bytes(1000))
    receive(server, 1000)
    soon(lambda: lab.unacked() == 0)
    captured.end()
    assert infos(captured.file)[3:] == ["laptop.eth0 AP 1000", "server.eth0 A 0"]
    sent, acked = (
        float(at) for (at,) in tshark.packets(captured.file, "frame.time_relative", only="frame.number > 3")
    )
    assert acked - sent == pytest.approx(0.05, abs=0.02)
    assert tshark.complaints(captured.file) == []


def test_where_only_acks_are_lost_data_arrives_again_and_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("block", host="server", direction="out")
    client.sendall(b"to be acked")
    receive(server, 11)
    soon(lambda: lab.ask(client).backoff >= 1)
    lab.do("heal")
    captured.end()
    unheard = "server.eth0 A 0 lost: a rule drops it"
    assert infos(captured.file)[3:] == [
        "laptop.eth0 AP 11",
        unheard,
        "laptop.eth0 AP 11",
        unheard,
        "laptop.eth0 AP 11",
        "server.eth0 A 0",
    ]


def test_syns_that_meet_silence_are_repeated_and_those_that_are_refused_meet_a_rst(
    lab: Switched, captured: Captured
) -> None:
    lab.do("block", port=445)
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    soon(lambda: lab.ask(client).backoff >= 1)
    lab.do("heal")
    assert wait(client, select.POLLOUT) == select.POLLOUT
    with pytest.raises(ConnectionRefusedError):
        lab.connect(port=81)
    listener.close()
    captured.end()
    assert infos(captured.file, "tcp.port == 445")[:5] == [
        "laptop.eth0 S 0 lost: a rule drops it",
        "laptop.eth0 S 0 lost: a rule drops it",
        "laptop.eth0 S 0",
        "server.eth0 AS 0",
        "laptop.eth0 A 0",
    ]
    assert infos(captured.file, "tcp.port == 81") == ["laptop.eth0 S 0", "server.eth0 AR 0"]


def test_a_reset_is_sent_by_whoever_went_away_or_by_the_fault(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    soon(lambda: lab.flow()["to_client"]["bytes"] == 6)
    client.close()
    assert wait(server, 0) & select.POLLERR
    lab.pair(port=446)
    lab.do("reset", port=446)
    captured.end()
    assert infos(captured.file, "tcp.port == 445 and tcp.flags.reset == 1") == ["laptop.eth0 AR 0"]
    assert infos(captured.file, "tcp.port == 446 and tcp.flags.reset == 1") == [
        "laptop.eth0 AR 0 reset, as it was told",
        "server.eth0 AR 0",
    ]


def test_what_chance_loses_is_seen_to_be_sent_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("loss", port=445, chance=0.2, direction="in")
    sent = random.Random(1).randbytes(100_000)
    for at in range(0, len(sent), 10_000):
        client.sendall(sent[at : at + 10_000])
        assert receive(server, 10_000) == sent[at : at + 10_000]
    captured.end()
    again = tshark.packets(captured.file, "frame.comment", only="tcp.analysis.retransmission")
    assert len(again) >= 3
    assert {comment for (comment,) in again} == {"sent again: by chance it was lost"}
    assert tshark.stream(captured.file, int(lab.flow()["client"].rpartition(":")[2])) == sent


def test_a_receiver_that_does_not_read_closes_its_window(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    sent = fill(client)
    wait(client, 0, 0.5)  # the time for which there must be no room
    receive(server, sent)
    soon(lambda: lab.unacked() == 0)
    captured.end()
    windows = [
        int(one[0]) for one in tshark.packets(captured.file, "tcp.window_size", only="tcp.srcport == 445")
    ]
    assert 0 in windows
    assert windows[-1] > 200_000


def test_datagrams_with_their_fragments_and_those_that_are_lost(lab: Switched, captured: Captured) -> None:
    server, client = udp(lab, "server", port=5300), udp(lab, "laptop", "10.0.1.2", 4000)
    big = random.Random(2).randbytes(5000)
    client.send(word(DATA, "10.0.1.1", 5300, more=b"small"))
    client.send(word(DATA, "10.0.1.1", 5300, more=big))
    assert payloads(lab, server) == [b"small", big]
    lab.do("block", port=5300)
    client.send(word(DATA, "10.0.1.1", 5300, more=b"never"))
    assert payloads(lab, server) == []
    captured.end()
    assert tshark.complaints(captured.file) == []
    assert tshark.packets(
        captured.file, "frame.interface_name", "udp.length", "frame.comment", only="udp"
    ) == [
        ("laptop.eth0", "13", ""),
        ("laptop.eth0", "5008", ""),
        ("laptop.eth0", "13", "lost: a rule drops it"),
    ]
    assert len(tshark.packets(captured.file, "ip.id", only="ip")) == 6


@pytest.mark.parametrize(
    "story",
    [
        test_what_is_sent_into_a_dead_path_is_sent_again,
        test_where_only_acks_are_lost_data_arrives_again_and_again,
        test_a_reset_is_sent_by_whoever_went_away_or_by_the_fault,
        test_datagrams_with_their_fragments_and_those_that_are_lost,
    ],
)
def test_under_sanitizers_too(
    victim: Switched,  # noqa: F811
    tmp_path: Path,
    story: Callable[[Switched, Captured], None],
) -> None:
    file = tmp_path / "a.pcapng"
    victim.do("capture", file=str(file))
    story(victim, Captured(victim, file))
