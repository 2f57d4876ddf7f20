"""What befalls datagrams: lost, doubled, late, out of order, damaged, held, rejected; each time the same for a seed."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, switched, wait
from selftest.switch.test_datagram import (
    CONNECT,
    DATA,
    HEAD,
    TO_PEER,
    UNREACHABLE,
    payloads,
    udp,
    word,
)

COUNT = 400


def pair(lab: Switched) -> tuple[socket.socket, socket.socket]:
    """A socket of the laptop, and one of the server on port 9 that has heard of it."""
    sender, receiver = udp(lab, "laptop", "10.0.1.2", 5000), udp(lab, "server", "10.0.1.1", 9)
    sender.send(word(DATA, "10.0.1.1", 9, more=b"hello"))
    assert payloads(lab, receiver) == [b"hello"]
    return sender, receiver


def say(lab: Switched, sender: socket.socket, receiver: socket.socket, count: int = COUNT) -> list[bytes]:
    """Send so many, numbered; what arrives of them at once."""
    got = []
    for number in range(count):
        sender.send(word(DATA, "10.0.1.1", 9, more=b"%06d" % number))
        if number % 50 == 49:
            got += payloads(lab, receiver)
    return got + payloads(lab, receiver)


def later(one: socket.socket, count: int) -> list[bytes]:
    """So many that arrive, now or later."""
    one.settimeout(10)
    return [one.recv(70_000)[HEAD.size :] for _ in range(count)]


def test_some_are_lost_and_the_rest_is_in_order(lab: Switched) -> None:
    sender, receiver = pair(lab)
    assert lab.do("loss", interface="server.eth0", chance=0.25) == {"rule": 1, "flows": 1, "bytes": 0}
    got = say(lab, sender, receiver)
    assert COUNT * 0.65 < len(got) < COUNT * 0.85
    assert got == sorted(got)
    lab.do("heal")
    assert len(say(lab, sender, receiver)) == COUNT


def test_a_seed_decides_which(tmp_path: Path) -> None:
    def run(name: str, seed: int) -> list[bytes]:
        with switched(tmp_path / name) as lab:
            lab.do("seed", seed=seed)
            ends = pair(lab)
            lab.do("loss", port=9, chance=0.5)
            return say(lab, *ends, count=60)

    assert run("a", 1) == run("b", 1) != run("c", 2)


def test_some_come_twice(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("duplicate", port=9, chance=0.25)
    got = say(lab, sender, receiver)
    assert COUNT * 1.15 < len(got) < COUNT * 1.35
    assert len(set(got)) == COUNT
    assert max(got.count(one) for one in got) == 2


def test_some_are_overtaken(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("reorder", port=9, chance=0.1, time=0.3)
    at_once = say(lab, sender, receiver, 100)
    assert 70 < len(at_once) < 99
    late = later(receiver, 100 - len(at_once))
    assert sorted(at_once + late) == [b"%06d" % number for number in range(100)]
    assert late == sorted(late)


def test_some_have_one_bit_that_is_another(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("corrupt", port=9, chance=0.5)
    got = say(lab, sender, receiver)
    assert len(got) == COUNT
    flipped = [
        (int.from_bytes(b"%06d" % number) ^ int.from_bytes(one)).bit_count() for number, one in enumerate(got)
    ]
    assert set(flipped) == {0, 1}
    assert COUNT * 0.4 < sum(flipped) < COUNT * 0.6


def test_an_empty_one_cannot_be_damaged(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("corrupt", port=9, chance=1)
    sender.send(word(DATA, "10.0.1.1", 9))
    assert payloads(lab, receiver) == [b""]


def test_a_delay_keeps_the_order_and_jitter_does_not(lab: Switched) -> None:
    sender, receiver = pair(lab)
    rule = lab.do("delay", interface="server.eth0", time=0.2)["rule"]
    began = time.monotonic()
    assert say(lab, sender, receiver, 20) == []
    got = later(receiver, 20)
    assert time.monotonic() - began >= 0.2
    assert got == sorted(got)
    lab.do("heal", rule=rule)
    lab.do("delay", interface="server.eth0", time=0.2, jitter=0.2)
    got = say(lab, sender, receiver, 50)
    got += later(receiver, 50 - len(got))
    assert sorted(got) == [b"%06d" % number for number in range(50)]
    assert got != sorted(got)


def test_what_is_delayed_arrives_at_once_when_it_is_healed(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("delay", interface="server.eth0", time=3000)
    assert say(lab, sender, receiver, 5) == []
    lab.do("heal")
    assert later(receiver, 5) == [b"%06d" % number for number in range(5)]


def test_what_is_on_its_way_when_the_cable_is_pulled_is_lost(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("delay", interface="server.eth0", time=0.1)
    say(lab, sender, receiver, 5)
    lab.do("link", interface="server.eth0", up=False)
    assert wait(receiver, select.POLLIN, 0.3) == 0
    lab.do("link", interface="server.eth0", up=True)
    assert wait(receiver, select.POLLIN, 0.1) == 0


def test_what_is_held_comes_in_its_order_with_what_the_switch_says_of_it(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("hold", host="laptop", direction="out")
    assert say(lab, sender, receiver, 20) == []
    sender.close()
    assert lab.do("release")["bytes"] == 120
    assert payloads(lab, receiver) == [b"%06d" % number for number in range(20)]


def test_a_rule_behind_the_hold_decides_when_it_is_gone(lab: Switched) -> None:
    sender, receiver = pair(lab)
    hold = lab.do("hold", port=9)["rule"]
    lab.do("block", port=9)
    say(lab, sender, receiver, 3)
    lab.do("release", rule=hold)
    lab.do("unblock")
    assert payloads(lab, receiver) == []


def test_more_than_there_is_room_for_is_lost(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("hold", port=9)
    for _ in range(1500):
        sender.send(word(DATA, "10.0.1.1", 9, more=bytes(60_000)))
    assert 1000 * 60_000 < lab.do("release")["bytes"] < 1200 * 60_000
    assert lab.do("ping")
    assert payloads(lab, receiver)


def test_a_rejected_one_is_answered_to_who_is_connected(lab: Switched) -> None:
    sender, receiver = pair(lab)
    sender.send(word(CONNECT, "10.0.1.1", 9, flags=TO_PEER))
    lab.do("block", port=9, reject=True, host="laptop", direction="out")
    sender.send(word(DATA, flags=TO_PEER, more=b"x"))
    assert HEAD.unpack(sender.recv(1000)[: HEAD.size])[1] == UNREACHABLE
    assert payloads(lab, receiver) == []


def test_a_conversation_is_new_until_the_other_end_has_answered(lab: Switched) -> None:
    sender, receiver = pair(lab)
    lab.do("block", port=9, state="new")
    assert say(lab, sender, receiver, 3) == []
    lab.do("heal")
    receiver.settimeout(10)
    receiver.send(word(DATA, "10.0.1.2", 5000, more=b"answer"))
    assert payloads(lab, sender) == [b"answer"]
    lab.do("block", port=9, state="new")
    assert len(say(lab, sender, receiver, 3)) == 3
    lab.do("block", port=9, state="established")
    assert say(lab, sender, receiver, 3) == []


def test_a_stream_sees_nothing_of_what_is_for_datagrams_alone(lab: Switched) -> None:
    client, server = lab.pair()
    for verb in ("duplicate", "reorder"):
        assert lab.do(verb, port=445, chance=1)["flows"] == 0
    client.sendall(b"once")
    assert server.recv(100) == b"once"


@pytest.mark.parametrize("verb", ["lose-acks"])
def test_datagrams_have_no_acks(lab: Switched, verb: str) -> None:
    sender, receiver = pair(lab)
    assert lab.do(verb, port=9)["flows"] == 0
    assert len(say(lab, sender, receiver, 3)) == 3
