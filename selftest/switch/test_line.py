"""Delay and loss on streams: bytes arrive late, in their order and all of them; what the sender is told of them is true."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, fill, receive, soon, switched, wait

WINDOW = 4 << 20


def best(measure: Callable[[], float], asked: float, within: float) -> float:
    """The time that `measure` took, once it was within the bounds; never less than asked."""
    took = 0.0
    for _ in range(20):
        took = measure()
        assert took >= asked - 0.0002
        if took <= asked + within:
            return took
    raise AssertionError(f"{took * 1000:.2f} ms where {asked * 1000:.0f} were asked")


def test_a_delay_is_what_was_asked_within_a_millisecond(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("delay", interface="server.eth0", time=0.02) == {"rule": 1, "flows": 1, "bytes": 0}

    def there() -> float:
        began = time.monotonic()
        client.sendall(b"x")
        receive(server, 1)
        return time.monotonic() - began

    def there_and_back() -> float:
        began = time.monotonic()
        client.sendall(b"x")
        receive(server, 1)
        server.sendall(b"y")
        receive(client, 1)
        return time.monotonic() - began

    best(there, 0.02, 0.001)
    best(there_and_back, 0.04, 0.002)
    lab.do("heal")
    assert min(there() for _ in range(10)) < 0.01


def test_one_way_alone_and_delays_add_up(lab: Switched) -> None:
    client, server = lab.pair()
    for _ in range(2):
        lab.do("delay", host="laptop", direction="out", time=0.03)

    def there() -> float:
        began = time.monotonic()
        client.sendall(b"x")
        receive(server, 1)
        return time.monotonic() - began

    def back() -> float:
        began = time.monotonic()
        server.sendall(b"x")
        receive(client, 1)
        return time.monotonic() - began

    assert min(there() for _ in range(3)) >= 0.06
    assert min(back() for _ in range(5)) < 0.03


def test_connecting_takes_a_round_trip(lab: Switched) -> None:
    lab.listen("server", "10.0.1.1", 445)
    lab.do("delay", port=445, time=0.05)
    began = time.monotonic()
    lab.connect()
    assert 0.1 <= time.monotonic() - began < 0.3


def test_a_sender_knows_of_its_bytes_until_their_ack_is_back(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", interface="laptop.eth0", time=0.2)
    client.sendall(b"12345")
    assert lab.ask(client).unacked == 5
    receive(server, 5)
    answer = lab.ask(client)
    assert (answer.sent, answer.unacked) == (5, 5)
    assert 400_000 <= answer.rtt_us < 401_000
    assert answer.rto_us > answer.rtt_us
    assert lab.ask(server).received == 5
    soon(lambda: lab.ask(client).unacked == 0)


def test_a_window_is_in_flight_and_then_a_sender_waits(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", host="laptop", direction="out", time=5)
    sent = fill(client)
    while wait(client, select.POLLOUT, 0.2):
        sent += fill(client)
    assert WINDOW < sent < 2 * WINDOW
    assert lab.ask(client).unacked == sent
    lab.do("heal")
    assert len(receive(server, sent)) == sent
    assert wait(client, select.POLLOUT)


def test_bulk_is_late_but_not_slow(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", port=445, time=0.05)
    data = random.Random(1).randbytes(20_000_000)
    writer = threading.Thread(target=client.sendall, args=(data,))
    began = time.monotonic()
    writer.start()
    assert receive(server, len(data)) == data
    assert 0.05 <= time.monotonic() - began < 3
    writer.join()


def test_jitter_does_not_change_the_order(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", port=445, time=0.01, jitter=0.01)
    data = random.Random(2).randbytes(300_000)
    for start in range(0, len(data), 1000):
        client.sendall(data[start : start + 1000])
    assert receive(server, len(data)) == data


def test_a_fin_comes_behind_the_last_byte(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", port=445, time=0.1)
    began = time.monotonic()
    client.sendall(b"last")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 4) == b"last"
    assert server.recv(1) == b""
    assert 0.1 <= time.monotonic() - began < 0.5
    server.close()
    assert client.recv(1) == b""
    assert time.monotonic() - began >= 0.2
    soon(lambda: lab.do("flows") == [])


def test_a_program_that_ends_leaves_what_is_on_its_way(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", port=445, time=0.1)
    client.sendall(b"last words")
    client.close()
    assert receive(server, 10) == b"last words"
    assert server.recv(1) == b""


def test_a_reset_takes_its_time_too(lab: Switched) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    wait(client, select.POLLIN)
    lab.do("delay", port=445, time=0.1)
    began = time.monotonic()
    client.close()
    assert wait(server, 0) & select.POLLERR
    assert 0.1 <= time.monotonic() - began < 0.5


def test_what_is_on_its_way_when_the_cable_is_pulled_arrives_later(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("delay", port=445, time=0.1)
    client.sendall(b"on its way")
    lab.do("link", interface="server.eth0", up=False)
    client.sendall(b", and behind")
    assert wait(server, select.POLLIN, 0.2) == 0
    assert lab.ask(client).unacked == 22
    lab.do("link", interface="server.eth0", up=True)
    assert receive(server, 22) == b"on its way, and behind"


def test_a_delay_that_comes_in_the_middle_loses_nothing(lab: Switched) -> None:
    client, server = lab.pair()
    sent = fill(client)
    rule = lab.do("delay", port=445, time=0.05)["rule"]
    assert len(receive(server, sent)) == sent
    sent = fill(client)
    lab.do("heal", rule=rule)
    assert len(receive(server, sent)) == sent


def test_rate_and_delay_together(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("rate", interface="server.eth0", rate=8_000_000)
    lab.do("delay", port=445, time=0.1)
    began = time.monotonic()
    client.sendall(bytes(200_000))
    receive(server, 200_000)
    assert 0.28 <= time.monotonic() - began < 0.6


@pytest.mark.parametrize("fault", ["loss", "corrupt"])
def test_on_a_stream_loss_is_a_retransmission_and_nothing_is_missing(lab: Switched, fault: str) -> None:
    client, server = lab.pair()
    lab.do("seed", seed=7)
    lab.do(fault, port=445, chance=0.02)
    data = random.Random(3).randbytes(3_000_000)
    writer = threading.Thread(target=client.sendall, args=(data,))
    began = time.monotonic()
    writer.start()
    assert receive(server, len(data)) == data
    took = time.monotonic() - began
    writer.join()
    assert took > 0.02  # some 40 of 2055 segments, a millisecond each where more come behind them


def test_the_last_segment_is_missed_only_by_a_timeout(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("seed", seed=1)
    lab.do("loss", port=445, chance=0.5)
    late = 0
    for _ in range(10):
        began = time.monotonic()
        client.sendall(b"x")
        receive(server, 1)
        took = time.monotonic() - began
        assert took < 0.15 or took >= 0.2
        late += took >= 0.2
    assert 0 < late < 10


def test_what_is_always_lost_never_arrives_until_it_is_healed(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("loss", port=445, chance=1)
    client.sendall(b"x")
    assert wait(server, select.POLLIN, 0.3) == 0
    assert lab.ask(client).backoff == 1
    lab.do("heal")
    assert receive(server, 1) == b"x"


def test_an_unimpaired_flow_beside_it_is_not_late(lab: Switched) -> None:
    late, other = lab.pair(), lab.pair(port=446)
    lab.do("delay", port=445, time=1)
    late[0].sendall(b"x")
    began = time.monotonic()
    other[0].sendall(b"x")
    receive(other[1], 1)
    assert time.monotonic() - began < 0.5


def test_a_flow_made_under_a_delay_has_it(lab: Switched) -> None:
    lab.do("delay", host="server", direction="out", time=0.05)
    client, server = lab.pair()
    began = time.monotonic()
    server.sendall(b"x")
    receive(client, 1)
    assert time.monotonic() - began >= 0.05


def test_a_lab_may_have_delays_of_its_own_which_add_up_and_are_not_healed(tmp_path: Path) -> None:
    with switched(tmp_path / "lab", delay=0.02) as lab:
        client, server = lab.pair()  # over two interfaces

        def there() -> float:
            began = time.monotonic()
            client.sendall(b"x")
            receive(server, 1)
            return time.monotonic() - began

        best(there, 0.04, 0.002)
        lab.do("delay", interface="server.eth0", time=0.03)
        best(there, 0.07, 0.002)
        lab.do("heal")
        best(there, 0.04, 0.002)


def test_a_lost_syn_is_sent_again_after_a_second(lab: Switched) -> None:
    lab.listen("server", "10.0.1.1", 445)
    lab.do("seed", seed=71)
    lab.do("loss", port=445, chance=0.4)
    took = []
    for _ in range(6):
        began = time.monotonic()
        lab.connect()
        took.append(time.monotonic() - began)
    assert min(took) < 0.5
    assert 1 <= max(took) < 2
    assert all(one < 0.5 or one >= 1 for one in took)
