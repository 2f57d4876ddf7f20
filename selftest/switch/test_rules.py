"""What each rule does to flows and datagrams in force: dropped and rejected told apart, ACKs lost, held, partitioned."""

from __future__ import annotations

import errno
import select
import socket
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, fill, receive, soon, switched, wait
from swrap.switch.client import ControlError


def test_a_rejected_syn_is_refused_at_once(lab: Switched) -> None:
    lab.listen("server", "10.0.1.1", 445)
    lab.do("block", port=445, reject=True)
    with pytest.raises(ConnectionRefusedError):
        lab.connect()


def test_a_rejected_flow_is_reset_for_who_sends_and_nobody_else(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("block", host="laptop", direction="out", reject=True)
    assert wait(client, select.POLLIN, 0.05) == 0  # nothing was sent, so nothing was answered
    client.sendall(b"x")
    assert wait(client, 0) & select.POLLERR
    assert lab.ask(client).error == errno.ECONNRESET
    assert wait(server, select.POLLIN, 0.05) == 0
    assert lab.ask(server).state == "established"


def test_an_ack_can_be_rejected_too(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("block", host="server", direction="out", reject=True)
    client.sendall(b"x")
    assert receive(server, 1) == b"x"
    assert wait(server, 0) & select.POLLERR
    assert lab.ask(server).error == errno.ECONNRESET


def test_new_connections_alone(lab: Switched) -> None:
    client, server = lab.pair()
    lab.listen("server", "10.0.1.1", 445)
    assert lab.do("block", port=445, state="new", reject=True)["flows"] == 0
    client.sendall(b"goes on")
    assert receive(server, 7) == b"goes on"
    with pytest.raises(ConnectionRefusedError):
        lab.connect()


def test_established_flows_alone(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("block", port=445, state="established")["flows"] == 1
    listener = lab.listen("server", "10.0.1.1", 445)
    another = lab.connect()
    accepted = lab.accept(listener)
    client.sendall(b"x")
    another.sendall(b"x")
    assert wait(server, select.POLLIN, 0.05) == wait(accepted, select.POLLIN, 0) == 0
    lab.do("unblock")
    assert receive(server, 1) == receive(accepted, 1) == b"x"


def test_one_flow_alone(lab: Switched) -> None:
    hit, spared = lab.pair(), lab.pair()
    number = lab.do("flows")[0]["id"]
    assert lab.do("block", flow=number)["flows"] == 1
    for client, _ in (hit, spared):
        client.sendall(b"x")
    assert receive(spared[1], 1) == b"x"
    assert wait(hit[1], select.POLLIN, 0.05) == 0


def test_cut_hosts_still_reach_others(lab: Switched) -> None:
    apart, together = lab.pair(), lab.pair(local="10.0.1.3", host="desk")
    assert lab.do("cut", between=["laptop", "server"]) == {"rule": 1, "flows": 1, "bytes": 0}
    for client, _ in (apart, together):
        client.sendall(b"x")
    assert receive(together[1], 1) == b"x"
    assert wait(apart[1], select.POLLIN, 0.05) == 0
    assert lab.do("heal", rule=1) == {"flows": 1, "bytes": 1}
    assert receive(apart[1], 1) == b"x"


def test_a_partition_keeps_sets_apart_one_way(lab: Switched) -> None:
    pairs = lab.pair(), lab.pair(local="10.0.1.3", host="desk")
    done = lab.do("partition", between=[["laptop", "desk"], "server"], direction="out")
    assert done["flows"] == 2
    for client, server in pairs:
        server.sendall(b"heard")
        assert receive(client, 5) == b"heard"
        client.sendall(b"not heard")
        assert wait(server, select.POLLIN, 0.05) == 0
    lab.do("heal")
    for _, server in pairs:
        assert receive(server, 9) == b"not heard"


def test_lost_acks_leave_the_other_direction_alone(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("lose-acks", host="laptop", direction="out")["flows"] == 1
    client.sendall(b"arrives")
    assert receive(server, 7) == b"arrives"
    server.sendall(b"and is answered")
    assert receive(client, 15) == b"and is answered"
    assert (lab.ask(client).unacked, lab.ask(server).unacked) == (7, 0)
    sent = 7 + fill(client)
    while wait(client, select.POLLOUT, 0.1):
        sent += fill(client)
    assert lab.ask(client).unacked == sent
    assert lab.flow()["to_server"]["bytes"] == 65536
    assert lab.do("heal") == {"flows": 1, "bytes": sent}
    receive(server, sent - 7)
    assert lab.ask(client).unacked == 0


def test_lost_acks_alone_time_out_in_the_end(tmp_path: Path) -> None:
    with switched(tmp_path / "lab", "--retransmit-timeout", "0.4") as lab:
        client, server = lab.pair()
        lab.do("lose-acks", port=445)
        client.sendall(b"delivered")
        assert receive(server, 9) == b"delivered"
        assert wait(client, 0, 5) & select.POLLERR
        assert lab.ask(client).error == errno.ETIMEDOUT


def test_lost_acks_do_not_keep_a_connection_from_being_made_or_ended(lab: Switched) -> None:
    lab.do("lose-acks", port=445)
    client, server = lab.pair()
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    server.close()
    assert client.recv(1) == b""


def test_held_bytes_come_when_they_are_released(lab: Switched) -> None:
    client, server = lab.pair()
    assert lab.do("hold", port=445)["flows"] == 1
    client.sendall(b"first")
    server.sendall(b"back")
    assert wait(server, select.POLLIN, 0.05) == 0
    assert lab.ask(client).unacked == 5
    assert lab.do("unblock") == {"flows": 0, "bytes": 0}  # that is for rules of block
    assert wait(server, select.POLLIN, 0.05) == 0
    assert lab.do("release") == {"flows": 1, "bytes": 9}
    assert receive(server, 5) == b"first"
    assert receive(client, 4) == b"back"


def test_any_number_of_rules_and_the_first_that_ends_it_counts(lab: Switched) -> None:
    lab.listen("server", "10.0.1.1", 445)
    first = lab.do("block", port=445)["rule"]
    lab.do("block", port=445, reject=True)
    waiting = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert wait(waiting, select.POLLOUT, 0.05) == 0
    lab.do("heal", rule=first)
    assert wait(waiting, select.POLLOUT) & select.POLLERR
    assert lab.ask(waiting).error == errno.ECONNREFUSED


def test_heal_takes_everything_back_and_a_rule_of_another_fault_is_not_unblocked(lab: Switched) -> None:
    client, server = lab.pair()
    for verb in ("cut", "partition"):
        lab.do(verb, between=["laptop", "server"])
    hold = lab.do("hold", port=445)["rule"]
    with pytest.raises(ControlError, match="no rule 3 of block, 3 is of hold"):
        lab.do("unblock", rule=hold)
    lab.do("link", interface="server.eth0", up=False)
    client.sendall(b"x")
    assert lab.do("heal")["flows"] == 1
    assert receive(server, 1) == b"x"
    with pytest.raises(ControlError, match="no rule 1"):
        lab.do("heal", rule=1)


def test_a_flow_that_is_made_under_a_rule_obeys_it(lab: Switched) -> None:
    lab.do("lose-acks", host="laptop", direction="out")
    client, server = lab.pair()
    client.sendall(b"x")
    assert receive(server, 1) == b"x"
    soon(lambda: lab.ask(client).unacked == 1)
