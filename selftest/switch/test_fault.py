"""A fault takes hold of every flow that it names, in one step, and of no other; healed, nothing was lost."""

from __future__ import annotations

import errno
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, fill, receive, soon, switched, wait

WINDOW = 65536


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Switched]:
    """A network that gives up early."""
    with switched(tmp_path / "lab", "--syn-timeout", "0.3", "--retransmit-timeout", "0.4") as running:
        yield running


@pytest.mark.parametrize("interface", ["server.eth0", "laptop.eth0"])
def test_a_pulled_cable_freezes_a_flow_and_thaws_it_without_loss(lab: Switched, interface: str) -> None:
    client, server = lab.pair()
    client.sendall(b"before")
    assert receive(server, 6) == b"before"
    assert lab.do("link", interface=interface, up=False) == {"flows": 1, "bytes": 0}
    client.sendall(b"during")
    server.sendall(b"the other way")
    assert wait(server, select.POLLIN, 0.1) == 0
    assert (lab.unacked("to_server"), lab.unacked("to_client")) == (6, 13)
    assert lab.flow()["to_server"]["blocked"]
    assert lab.do("link", interface=interface, up=True) == {"flows": 1, "bytes": 19}
    assert receive(server, 6) == b"during"
    assert receive(client, 13) == b"the other way"
    assert lab.unacked() == 0


def test_the_page_shows_the_carrier(lab: Switched) -> None:
    number = lab.page.interface_index("server.eth0")
    lab.do("link", interface="server.eth0", up=False)
    assert not lab.page.interface(number).flags & 2
    lab.do("link", interface="server.eth0", up=True)
    assert lab.page.interface(number).flags & 2


def test_a_frozen_sender_blocks_after_a_buffer_full_and_every_byte_is_counted(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    sent = fill(client)
    while wait(client, select.POLLOUT, 0.1):
        sent += fill(client)
    assert WINDOW < sent < 1_000_000
    assert lab.unacked() == sent
    assert lab.ask(client).unacked == sent
    assert lab.ask(client).sent == sent
    assert lab.ask(server).received == 0
    lab.do("heal")
    assert len(receive(server, sent)) == sent
    assert wait(client, select.POLLOUT)


def test_a_frozen_sender_of_single_bytes_is_not_blocked_before_a_window_is_full(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    for _ in range(5000):
        client.send(b"x")
    assert lab.unacked() == 5000
    lab.do("link", interface="server.eth0", up=True)
    assert receive(server, 5000) == b"x" * 5000


def test_a_flow_that_was_waiting_for_its_reader_survives_a_pulled_cable(lab: Switched) -> None:
    client, server = lab.pair()
    sent = fill(client)
    lab.do("link", interface="server.eth0", up=False)
    receive(server, lab.flow()["to_server"]["bytes"])
    assert wait(server, select.POLLIN, 0.1) == 0
    lab.do("link", interface="server.eth0", up=True)
    receive(server, lab.unacked() + lab.flow()["to_server"]["bytes"] - (sent - lab.unacked()))
    client.shutdown(socket.SHUT_WR)
    while server.recv(1 << 20):
        pass
    assert lab.ask(client).sent == sent


def test_one_cable_does_not_touch_the_other_network(lab: Switched) -> None:
    wired, wireless = lab.pair(), lab.pair(remote="10.0.2.1", local="10.0.2.2")
    assert lab.do("link", interface="server.eth0", up=False)["flows"] == 1
    wireless[0].sendall(b"over the air")
    assert receive(wireless[1], 12) == b"over the air"
    wired[0].sendall(b"held")
    assert wait(wired[1], select.POLLIN, 0.1) == 0


def test_a_fault_on_an_idle_network_says_that_it_touched_nothing(lab: Switched) -> None:
    assert lab.do("link", interface="server.eth0", up=False) == {"flows": 0, "bytes": 0}
    assert lab.do("block", port=445) == {"rule": 1, "flows": 0, "bytes": 0}
    assert lab.do("reset", port=445) == {"flows": 0, "bytes": 0}


def test_a_program_killed_behind_a_dead_path_is_heard_when_the_path_is_back(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    client.sendall(bytes(100_000))
    client.close()
    assert wait(server, select.POLLIN, 0.1) == 0
    lab.do("link", interface="server.eth0", up=True)
    assert len(receive(server, 100_000)) == 100_000
    assert server.recv(1) == b""


def test_a_reset_waits_for_the_path_too(lab: Switched) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    wait(client, select.POLLIN)
    lab.do("link", interface="server.eth0", up=False)
    client.close()
    assert wait(server, select.POLLIN, 0.1) == 0
    lab.do("link", interface="server.eth0", up=True)
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_a_fin_behind_a_dead_path_is_no_error_to_who_still_holds_the_socket(lab: Switched) -> None:
    client, server = lab.pair()
    server.close()
    assert client.recv(1) == b""
    lab.do("link", interface="server.eth0", up=False)
    client.shutdown(socket.SHUT_WR)
    soon(lambda: lab.flow()["state"] in ("closed", "fin-wait"))
    assert not wait(client, 0, 0.1) & select.POLLERR
    lab.do("link", interface="server.eth0", up=True)
    soon(lambda: lab.do("flows") == [])
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_when_both_programs_end_behind_a_dead_path_nothing_is_left(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    client.close()
    server.close()
    soon(lambda: lab.do("flows") == [])


def test_a_syn_into_silence_times_out(hasty: Switched) -> None:
    hasty.do("link", interface="server.eth0", up=False)
    hasty.listen("server", "10.0.1.1", 445)
    with pytest.raises(TimeoutError) as caught:
        hasty.connect()
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_syn_to_an_address_that_nobody_has_times_out(hasty: Switched) -> None:
    with pytest.raises(TimeoutError):
        hasty.connect(remote="10.0.1.77")


def test_a_syn_without_a_route_is_unreachable_at_once(lab: Switched) -> None:
    with pytest.raises(OSError, match="unreachable") as caught:
        lab.connect(remote="192.0.2.1")
    assert caught.value.errno == errno.ENETUNREACH


def test_unacked_bytes_on_a_dead_path_time_out_for_their_sender_alone(hasty: Switched) -> None:
    client, server = hasty.pair()
    hasty.do("link", interface="server.eth0", up=False)
    client.sendall(b"lost")
    assert wait(client, 0, 5) & select.POLLERR
    assert hasty.ask(client).error == errno.ETIMEDOUT
    assert wait(server, select.POLLIN, 0.1) == 0
    assert hasty.ask(server).state == "established"
    hasty.do("link", interface="server.eth0", up=True)
    assert wait(server, select.POLLIN, 0.1) == 0
    server.sendall(b"anybody there?")
    assert wait(server, 0) & select.POLLERR
    assert hasty.ask(server).error == errno.ECONNRESET
    assert hasty.do("flows") == []


def test_both_senders_behind_a_dead_path_time_out(hasty: Switched) -> None:
    client, server = hasty.pair()
    hasty.do("link", interface="server.eth0", up=False)
    client.sendall(b"a")
    server.sendall(b"b")
    for one in client, server:
        assert wait(one, 0, 5) & select.POLLERR
        assert hasty.ask(one).error == errno.ETIMEDOUT
    assert hasty.do("flows") == []


def test_a_fin_that_is_never_acked_times_out_as_bytes_do(hasty: Switched) -> None:
    client, server = hasty.pair()
    hasty.do("link", interface="server.eth0", up=False)
    client.shutdown(socket.SHUT_WR)
    assert wait(client, 0, 5) & select.POLLERR
    assert hasty.ask(client).error == errno.ETIMEDOUT
    assert wait(server, 0, 0) == 0


def test_an_idle_flow_outlives_a_dead_path(hasty: Switched) -> None:
    client, server = hasty.pair()
    hasty.do("link", interface="server.eth0", up=False)
    assert wait(client, 0, 0.8) == 0
    hasty.do("link", interface="server.eth0", up=True)
    client.sendall(b"hello again")
    assert receive(server, 11) == b"hello again"


def test_a_reader_that_does_not_read_never_times_out_its_sender(hasty: Switched) -> None:
    client, server = hasty.pair()
    sent = fill(client)
    assert wait(client, 0, 0.8) == 0
    assert len(receive(server, sent)) == sent


def test_a_sender_without_acks_backs_off(lab: Switched) -> None:
    client, _ = lab.pair()
    assert (lab.ask(client).rto_us, lab.ask(client).backoff) == (200_000, 0)
    lab.do("link", interface="server.eth0", up=False)
    client.sendall(b"x")
    soon(lambda: lab.ask(client).backoff == 2)  # after 0.2 s and 0.4 s more
    answer = lab.ask(client)
    assert answer.rto_us == 800_000
    assert 600 <= answer.since_ack_ms < 1400
    lab.do("link", interface="server.eth0", up=True)
    soon(lambda: lab.ask(client).backoff == 0)
    assert lab.ask(client).since_ack_ms == 0


def test_lost_acks_deliver_but_the_sender_never_learns(lab: Switched) -> None:
    client, server = lab.pair()
    rule = lab.do("block", host="server", direction="out")["rule"]
    client.sendall(b"delivered")
    assert receive(server, 9) == b"delivered"
    assert lab.ask(client).unacked == 9
    assert lab.ask(server).received == 9
    sent = 9 + fill(client)
    while wait(client, select.POLLOUT, 0.1):
        sent += fill(client)
    assert lab.flow()["to_server"]["bytes"] == WINDOW  # no more without an ACK
    assert lab.ask(client).unacked == sent
    assert lab.do("unblock", rule=rule) == {"flows": 1, "bytes": sent}
    receive(server, sent - 9)
    assert lab.ask(client).unacked == 0


def test_lost_acks_time_out_in_the_end(hasty: Switched) -> None:
    client, server = hasty.pair()
    hasty.do("block", host="server", direction="out")
    client.sendall(b"delivered")
    assert receive(server, 9) == b"delivered"
    assert wait(client, 0, 5) & select.POLLERR
    assert hasty.ask(client).error == errno.ETIMEDOUT


@pytest.mark.parametrize(
    "what",
    [
        {"port": 445},
        {"address": "10.0.1.1"},
        {"host": "server"},
        {"host": "laptop", "port": 445, "direction": "out"},
        {"interface": "server.eth0", "direction": "in"},
        {"between": ["laptop", "server"]},
        {"between": ["server", "laptop"], "direction": "in"},
        {"host": "server", "interface": "eth0"},
    ],
    ids=str,
)
def test_a_rule_drops_what_it_names_until_it_is_taken_away(lab: Switched, what: dict[str, object]) -> None:
    client, server = lab.pair()
    done = lab.do("block", **what)
    assert done["flows"] == 1
    client.sendall(b"x")
    assert wait(server, select.POLLIN, 0.05) == 0
    lab.do("unblock", rule=done["rule"])
    assert receive(server, 1) == b"x"


@pytest.mark.parametrize(
    "what",
    [
        {"port": 446},
        {"address": "10.0.2.1"},
        {"host": "desk"},
        {"host": "laptop", "port": 445, "direction": "in"},
        {"interface": "server.wlan0"},
        {"between": ["laptop", "desk"]},
        {"host": "server", "address": "10.0.1.3"},
    ],
    ids=str,
)
def test_a_rule_leaves_alone_what_it_does_not_name(lab: Switched, what: dict[str, object]) -> None:
    client, server = lab.pair()
    lab.do("block", **what)
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_a_blocked_syn_is_answered_as_soon_as_the_rule_is_gone(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    lab.do("block", port=445)
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert wait(client, select.POLLOUT, 0.1) == 0
    lab.do("unblock")
    assert wait(client, select.POLLOUT) == select.POLLOUT
    lab.accept(listener)


def test_reset_tells_both_ends_and_only_those_that_match(lab: Switched) -> None:
    hit, spared = lab.pair(), lab.pair(port=446)
    assert lab.do("reset", port=445) == {"flows": 1, "bytes": 0}
    for one in hit:
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        assert lab.ask(one).error == errno.ECONNRESET
    spared[0].sendall(b"x")
    assert receive(spared[1], 1) == b"x"


def test_heal_undoes_all_faults_at_once(lab: Switched) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    lab.do("link", interface="laptop.eth0", up=False)
    lab.do("block", port=445)
    lab.do("rate", interface="server.eth0", rate=1000)
    client.sendall(bytes(50_000))
    soon(lambda: lab.unacked() == 50_000)
    assert lab.do("heal") == {"flows": 1, "bytes": 50_000}
    assert len(receive(server, 50_000)) == 50_000
    assert all(one["up"] and one["rate"] is None for one in lab.do("interfaces"))


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the machine allows, as the switch takes for itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_fault_takes_hold_of_hundreds_of_flows_in_one_step(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445, backlog=4096)
    pairs = []
    for _ in range(400):
        client = lab.connect()
        pairs.append((client, lab.accept(listener)))
    assert lab.do("link", interface="server.eth0", up=False)["flows"] == 400
    for client, _ in pairs:
        client.sendall(b"x")
    assert lab.do("link", interface="server.eth0", up=True)["flows"] == 400
    for _, server in pairs:
        assert receive(server, 1) == b"x"
