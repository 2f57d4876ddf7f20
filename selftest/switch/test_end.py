"""Flows end as TCP's do: FIN and reset told apart, half-closes kept, nothing truncated in silence."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from selftest.switch.driver import Switched, inode, receive, soon, wait
from swrap.abi import lib


def test_a_half_closed_flow_still_carries_the_other_way(lab: Switched) -> None:
    client, server = lab.pair()
    client.sendall(b"request")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 7) == b"request"
    assert server.recv(1) == b""
    assert (lab.ask(client).state, lab.ask(server).state) == ("fin-wait", "close-wait")
    server.sendall(b"answer")
    server.close()
    assert receive(client, 6) == b"answer"
    assert client.recv(1) == b""


def test_after_both_fins_nothing_is_left_and_nobody_sees_an_error(lab: Switched) -> None:
    client, server = lab.pair()
    client.shutdown(socket.SHUT_WR)
    server.shutdown(socket.SHUT_WR)
    assert (client.recv(1), server.recv(1)) == (b"", b"")
    soon(lambda: lab.do("flows") == [])
    for one in client, server:
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        assert not wait(one, 0, 0) & select.POLLERR
        assert (lab.ask(one).state, lab.ask(one).error) == ("closed", 0)


def test_bytes_behind_which_the_sender_closed_all_arrive(lab: Switched) -> None:
    client, server = lab.pair()
    client.sendall(bytes(150_000))
    client.close()
    assert len(receive(server, 150_000)) == 150_000
    assert server.recv(1) == b""


def test_a_close_with_unread_bytes_resets_the_other_end(lab: Switched) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    wait(client, select.POLLIN)
    client.close()
    with pytest.raises(ConnectionResetError):
        server.recv(1)
    assert lab.ask(server).error == errno.ECONNRESET


@pytest.mark.parametrize("end", [0, 1], ids=["client", "server"])
def test_a_close_can_be_a_reset_by_agreement(lab: Switched, end: int) -> None:
    ends = lab.pair()
    lab.ask(ends[end], lib.SW_ABORT, lib.SW_ABORT_CLOSE)
    ends[end].sendall(b"last words")
    ends[end].close()
    assert receive(ends[not end], 10) == b"last words"
    with pytest.raises(ConnectionResetError):
        ends[not end].recv(1)
    assert lab.do("flows") == []


def test_a_reset_by_agreement_is_lost_on_a_dead_path(lab: Switched) -> None:
    client, server = lab.pair()
    lab.ask(client, lib.SW_ABORT, lib.SW_ABORT_CLOSE)
    lab.do("link", interface="server.eth0", up=False)
    client.close()
    assert not wait(server, select.POLLIN, 0.05)
    lab.do("link", interface="server.eth0", up=True)
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_both_fins_leave_nothing_to_reset(lab: Switched) -> None:
    client, server = lab.pair()
    lab.ask(client, lib.SW_ABORT, lib.SW_ABORT_SHUT)
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    server.shutdown(socket.SHUT_WR)
    client.close()
    soon(lambda: lab.do("flows") == [])
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_what_was_sent_before_a_reset_can_still_be_read(lab: Switched) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    wait(client, select.POLLIN)
    client.sendall(b"last words")
    client.close()
    assert receive(server, 10) == b"last words"
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_writing_to_an_end_that_closed_is_answered_by_a_reset(lab: Switched) -> None:
    client, server = lab.pair()
    client.close()
    assert server.recv(1) == b""
    server.sendall(b"to nobody")
    assert wait(server, 0) & select.POLLERR
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    soon(lambda: lab.do("flows") == [])


def test_shutting_reading_alone_does_not_disturb_the_peer(lab: Switched) -> None:
    client, server = lab.pair()
    client.shutdown(socket.SHUT_RD)
    for _ in range(3):
        server.sendall(bytes(300_000))
    client.sendall(b"still here")
    assert receive(server, 10) == b"still here"


def test_a_listener_that_closes_resets_what_it_never_accepted(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.connect()
    listener.close()
    assert wait(client, 0) & select.POLLERR
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_an_acceptor_that_does_not_greet_and_closes_is_a_reset(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.connect()
    listener.accept()[0].close()
    assert wait(client, 0) & select.POLLERR


def test_a_client_that_gives_up_its_syn_leaves_nothing(lab: Switched) -> None:
    lab.do("link", interface="server.eth0", up=False)
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    soon(lambda: len(lab.do("flows")) == 1)
    client.close()
    soon(lambda: lab.do("flows") == [])


def test_a_killed_program_ends_as_the_kernel_would_end_it(lab: Switched) -> None:
    client, server = lab.pair()
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=(client.fileno(),),
    )
    client.sendall(b"alive")
    client.close()
    assert receive(server, 5) == b"alive"
    assert wait(server, select.POLLIN, 0.2) == 0
    holder.kill()
    holder.communicate()
    assert wait(server, select.POLLIN)
    assert server.recv(1) == b""


@pytest.mark.parametrize("how", ["kill -9", "SIGTERM", "stop", "owner"])
def test_the_death_of_the_switch_resets_every_flow(lab: Switched, how: str) -> None:
    busy, idle, passed = lab.pair(), lab.pair(port=446), lab.pair(port=447)
    listener = lab.listen("server", "10.0.1.1", 445)
    lab.do("link", interface="server.wlan0", up=False)
    pending = lab.syn("laptop", "10.0.2.2", "10.0.2.1", 445)
    for one in busy:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                one.send(bytes(65536))
    for one in passed:
        one.sendall(b"12")
    for one in passed:
        assert receive(one, 2) == b"12"
    soon(lambda: len(lab.do("flows")) == 4)
    if how == "kill -9":
        lab.process.kill()
    elif how == "SIGTERM":
        lab.process.send_signal(signal.SIGTERM)
    elif how == "stop":
        lab.do("stop")
    else:
        os.close(lab.owner)
        lab.owner = -1
    assert lab.process.wait(10) == (-signal.SIGKILL if how == "kill -9" else 0)
    for one in (*busy, *idle, *passed, pending):
        assert wait(one, 0) & select.POLLERR
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    listener.close()


def test_a_new_connection_from_the_same_port_replaces_one_whose_client_is_gone(lab: Switched) -> None:
    listener = lab.listen("server", "10.0.1.1", 445)
    first = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445, local_port=700)
    old = lab.accept(listener)
    first.close()
    assert old.recv(1) == b""  # close-wait: the server never closes
    second = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445, local_port=700)
    assert wait(second, select.POLLOUT) == select.POLLOUT
    new = lab.accept(listener)
    second.sendall(b"new")
    assert receive(new, 3) == b"new"
    assert wait(old, 0) & select.POLLERR


@pytest.mark.parametrize("path", ["alive", "dead for a while"])
def test_an_urgent_byte_arrives_as_one_in_its_place(lab: Switched, path: str) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=path == "alive")
    client.sendall(b"ab")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"cd")
    lab.do("link", interface="server.eth0", up=True)
    assert wait(server, select.POLLPRI) == select.POLLPRI
    assert receive(server, 2) == b"ab"
    assert server.recv(1, socket.MSG_OOB) == b"!"
    assert receive(server, 2) == b"cd"
    client.close()
    assert server.recv(1) == b""


def test_an_urgent_byte_in_the_middle_of_much_is_where_it_was(lab: Switched) -> None:
    client, server = lab.pair()
    data = os.urandom(400_000)

    def give() -> None:
        client.sendall(data)
        client.send(b"!", socket.MSG_OOB)
        client.sendall(data)

    with ThreadPoolExecutor() as pool:
        given = pool.submit(give)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        assert receive(server, 800_001) == data + b"!" + data
        given.result()


def test_passed_fds_do_not_stop_the_stream(lab: Switched) -> None:
    client, server = lab.pair()
    for _ in range(3):
        socket.send_fds(client, [b"fd"], [client.fileno()])
        client.sendall(b"-")
    assert receive(server, 9) == b"fd-fd-fd-"
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""


def test_the_inode_of_an_ended_flow_is_remembered_longer_than_its_socket_lives(lab: Switched) -> None:
    client, server = lab.pair()
    number = inode(client)
    client.close()
    server.close()
    soon(lambda: lab.do("flows") == [])
    assert lab.ask(number).state == "closed"


def test_a_ctrl_c_at_the_owners_terminal_does_not_end_the_network(lab: Switched) -> None:
    client, server = lab.pair()
    lab.process.send_signal(signal.SIGINT)
    assert lab.do("ping")
    client.sendall(b"x")
    assert receive(server, 1) == b"x"
