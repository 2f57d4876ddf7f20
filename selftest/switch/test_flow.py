"""A flow through the switch is a stream: nothing lost, nothing early, nothing late."""

from __future__ import annotations

import errno
import random
import select
import socket
import threading

import pytest

from selftest.switch.driver import Switched, inode, queued, receive, wait


def test_both_ends_speak_and_hear(lab: Switched) -> None:
    client, server = lab.pair()
    client.sendall(b"ping")
    assert receive(server, 4) == b"ping"
    server.sendall(b"pong")
    assert receive(client, 4) == b"pong"


def test_a_connect_is_established_only_when_a_listener_was_found(lab: Switched) -> None:
    lab.do("link", interface="server.eth0", up=False)
    lab.listen("server", "10.0.1.1", 445)
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert wait(client, select.POLLOUT, 0.2) == 0
    assert lab.ask(client).state == "syn-sent"
    lab.do("link", interface="server.eth0", up=True)
    assert wait(client, select.POLLOUT) == select.POLLOUT


@pytest.mark.parametrize("listening", ["10.0.1.1", "0.0.0.0", "::"])
def test_a_listener_is_found_by_its_address_or_by_a_wildcard(lab: Switched, listening: str) -> None:
    listener = lab.listen("server", listening, 445)
    client = lab.connect()
    client.sendall(b"x")
    assert receive(lab.accept(listener), 1) == b"x"


def test_ipv6_is_carried_and_does_not_reach_an_ipv4_wildcard(lab: Switched) -> None:
    lab.listen("server", "0.0.0.0", 445)
    with pytest.raises(ConnectionRefusedError):
        lab.connect(remote="fd00:1::1", local="fd00:1::2")
    listener = lab.listen("server", "::", 445)
    client = lab.connect(remote="fd00:1::1", local="fd00:1::2")
    client.sendall(b"6")
    assert receive(lab.accept(listener), 1) == b"6"
    assert lab.flow()["server"] == "[fd00:1::1]:445"


def test_the_more_specific_listener_wins(lab: Switched) -> None:
    general, exact = lab.listen("server", "::", 445), lab.listen("server", "10.0.1.1", 445)
    lab.connect()
    lab.accept(exact)
    general.setblocking(False)
    with pytest.raises(BlockingIOError):
        general.accept()


def test_loopback_stays_inside_its_host(lab: Switched) -> None:
    listener = lab.listen("laptop", "127.0.0.1", 80)
    with pytest.raises(ConnectionRefusedError):
        lab.connect(remote="127.0.0.1", port=80, local="127.0.0.1", host="server")
    client = lab.connect(remote="127.0.0.1", port=80, local="127.0.0.1")
    client.sendall(b"x")
    assert receive(lab.accept(listener), 1) == b"x"
    assert lab.flow()["interfaces"] == ["laptop.lo"]


def test_nobody_listening_is_refused_and_says_so(lab: Switched) -> None:
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 81)
    events = wait(client, select.POLLOUT)
    assert events & select.POLLERR
    assert events & select.POLLHUP
    answer = lab.ask(client)
    assert (answer.state, answer.error) == ("closed", errno.ECONNREFUSED)
    assert answer.remote == "10.0.1.1:81"
    assert lab.do("flows") == []


def test_bytes_that_were_written_before_accept_arrive_after_it(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.connect()
    client.sendall(b"early")
    assert receive(lab.accept(listener), 5) == b"early"


def test_a_client_that_wrote_and_closed_before_accept_loses_nothing(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.connect()
    client.sendall(b"in passing")
    client.close()
    server = lab.accept(listener)
    assert receive(server, 10) == b"in passing"
    assert server.recv(1) == b""


@pytest.mark.parametrize("seed", range(4))
def test_megabytes_in_random_pieces_to_slow_readers_arrive_intact_both_ways(lab: Switched, seed: int) -> None:
    client, server = lab.pair()
    dice = random.Random(seed)
    data = [dice.randbytes(3_000_000 + dice.randrange(1_000_000)) for _ in range(2)]
    got: list[bytes] = [b"", b""]

    def write(one: socket.socket, what: bytes, dice: random.Random) -> None:
        at = 0
        while at < len(what):
            size = dice.choice((1, 7, 500, 4096, 16385, 65536, 200_000))
            one.sendall(what[at : at + size])
            at += size
        one.shutdown(socket.SHUT_WR)

    def read(one: socket.socket, index: int, dice: random.Random) -> None:
        parts = []
        while part := one.recv(dice.choice((1, 100, 3000, 70_000, 1 << 20))):
            parts.append(part)
            if dice.random() < 0.02:
                wait(one, 0, 0.003)
        got[index] = b"".join(parts)

    jobs = [
        threading.Thread(target=write, args=(client, data[0], random.Random(seed + 1))),
        threading.Thread(target=write, args=(server, data[1], random.Random(seed + 2))),
        threading.Thread(target=read, args=(server, 0, random.Random(seed + 3))),
        threading.Thread(target=read, args=(client, 1, random.Random(seed + 4))),
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert got[0] == data[0]
    assert got[1] == data[1]


def test_a_reader_that_does_not_read_stops_the_writer_and_loses_nothing(lab: Switched) -> None:
    client, server = lab.pair()
    client.setblocking(False)
    sent = 0
    while wait(client, select.POLLOUT, 0.3):
        sent += client.send(bytes(65536))
    assert 200_000 < sent < 2_000_000
    flow = lab.flow()
    assert flow["to_server"]["bytes"] + flow["to_server"]["unacked"] == sent
    assert flow["to_server"]["bytes"] == queued(server)
    receive(server, sent)
    assert wait(client, select.POLLOUT) == select.POLLOUT
    assert lab.unacked() == 0


def test_both_ends_can_ask_for_their_flow(lab: Switched) -> None:
    client, server = lab.pair()
    client.sendall(b"12345")
    server.sendall(b"123")
    receive(server, 5)
    receive(client, 3)
    mine, theirs = lab.ask(client), lab.ask(server)
    assert (mine.state, mine.sent, mine.received, mine.unacked) == ("established", 5, 3, 0)
    assert (theirs.state, theirs.sent, theirs.received, theirs.unacked) == ("established", 3, 5, 0)
    assert (mine.local, mine.remote) == (theirs.remote, theirs.local)
    assert theirs.local == "10.0.1.1:445"
    flow = lab.flow()
    assert (flow["client_ino"], flow["server_ino"]) == (inode(client), inode(server))
    assert flow["interfaces"] == ["laptop.eth0", "server.eth0"]


def test_nobody_knows_an_inode_that_never_had_a_flow(lab: Switched) -> None:
    assert lab.ask(1 << 40).state == "none"


def test_a_full_backlog_makes_a_syn_wait_until_there_is_room(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445, backlog=0)
    first = lab.connect()
    second = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert wait(second, select.POLLOUT, 0.2) == 0
    lab.accept(listener)
    assert wait(second, select.POLLOUT) == select.POLLOUT
    first.close()


def test_hundreds_who_wait_for_room_come_in_as_it_arises(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445, backlog=1)
    waiting = [lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445) for _ in range(300)]
    other = lab.listen("server", "10.0.1.1", 80)
    lab.connect(port=80).close()  # the others are in the switch's hands by now, and do not hold it up
    other.close()
    for _ in waiting:
        lab.accept(listener).sendall(b"!")
    for one in waiting:
        assert wait(one, select.POLLIN) & select.POLLIN
        assert one.recv(2) == b"!"


def test_who_waits_for_a_listener_that_closes_is_refused(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445, backlog=0)
    lab.connect()
    waiting = [lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445) for _ in range(20)]
    assert not wait(waiting[-1], select.POLLOUT, 0.05)
    listener.close()
    for one in waiting:
        assert wait(one, select.POLLOUT) & select.POLLERR
        assert lab.ask(one).error == errno.ECONNREFUSED


def test_of_listeners_that_share_a_full_one_does_not_take_the_others_down(lab: Switched) -> None:
    full, free = (
        lab.listen("server", "10.0.1.1", 445, backlog=backlog, slot=slot)
        for backlog, slot in ((0, 3), (50, 9))
    )
    general = lab.listen("server", "0.0.0.0", 445)
    for _ in range(40):
        lab.connect().close()
    free.close()
    assert not wait(lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445), select.POLLOUT, 0.05)
    general.setblocking(False)
    with pytest.raises(BlockingIOError):
        general.accept()
    full.close()
