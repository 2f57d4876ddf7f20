"""More flows than a process may have descriptors for: they live in several tables, and nobody can tell."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, receive, soon, switched, wait
from swrap.switch.plane import flows_of, tables_for

WANTED = 10_000
LIMIT = 6_000
"""Descriptors of the switch: two and a half thousand flows in its first table, three thousand in each other one."""
BUDGET = 0.05
"""Seconds of the switch's time for a fault on so many flows."""
HOLDER = """
import os, select, socket, sys
listener, count = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
listener.setblocking(True)
ends, poll = [], select.poll()
for _ in range(count):
    end, _ = listener.accept()
    end.sendall(os.fstat(end.fileno()).st_ino.to_bytes(8, "little"))
    ends.append(end)
    poll.register(end, select.POLLIN)
print("all", flush=True)
for line in sys.stdin:
    if line == "pending\\n":
        print(len(poll.poll(0)), flush=True)
    else:
        print(len({end.recv(8, socket.MSG_WAITALL) for end in ends}), flush=True)
"""
CRAMPED = 84
"""Descriptors with which the first table holds five flows."""


@pytest.fixture
def many_descriptors() -> Iterator[int]:
    """As many as the hard limit allows: how many flows this process can hold one end of."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(WANTED, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Switched]:
    """A switch whose first table is soon full."""
    with switched(tmp_path / "lab", nofile=CRAMPED) as lab:
        yield lab


def threads(lab: Switched) -> list[Path]:
    """Of the switch: one a table."""
    return list(Path(f"/proc/{lab.process.pid}/task").iterdir())


def spent(lab: Switched) -> float:
    """Seconds that the switch has computed, in all tables."""
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads(lab)) / 1e9


@contextlib.contextmanager
def holder(lab: Switched, count: int) -> Iterator[subprocess.Popen[str]]:
    """A program that accepts so many flows."""
    with lab.listen("server", "10.0.1.1", 445, 4096) as listener:
        argv = [sys.executable, "-c", HOLDER, str(listener.fileno()), str(count)]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=(listener.fileno(),)
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def say(process: subprocess.Popen[str], word: str) -> str:
    """Its answer to a word."""
    assert process.stdin
    assert process.stdout
    if word:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def test_ten_thousand_flows_where_the_limit_is_lower(tmp_path: Path, many_descriptors: int) -> None:
    count = many_descriptors
    with switched(tmp_path / "lab", nofile=LIMIT) as lab, holder(lab, count) as server:
        assert len(threads(lab)) == 1
        clients = [lab.connect() for _ in range(count)]
        assert say(server, "") == "all"
        assert len(threads(lab)) == tables_for(count, LIMIT) > 1

        began = spent(lab)
        assert lab.do("block", port=445)["flows"] == count
        assert spent(lab) - began < BUDGET
        for number, client in enumerate(clients):
            client.sendall(number.to_bytes(8, "little"))
        assert say(server, "pending") == "0"
        healed = lab.do("heal")
        assert (healed["flows"], healed["bytes"]) == (count, 8 * count)
        assert say(server, "read") == str(count)
        assert len(lab.do("flows")) == count

        lab.process.kill()
        for client in clients:
            with pytest.raises(ConnectionResetError):
                client.recv(1)


@pytest.fixture
def pairs(cramped: Switched) -> list[tuple[socket.socket, socket.socket]]:
    """Flows of which the first is in the first table, and the last in another one."""
    listener = cramped.listen("server", "10.0.1.1", 445)
    found = []
    for _ in range(2 * flows_of(CRAMPED, 0)):
        client = cramped.connect()
        found.append((client, cramped.accept(listener)))
    assert len(threads(cramped)) == 2
    return found


Pairs = list[tuple[socket.socket, socket.socket]]


def test_who_asks_is_answered_whatever_table_it_asks_in(cramped: Switched, pairs: Pairs) -> None:
    cramped.do("block", port=445)
    for number, (client, _) in enumerate(pairs):
        client.sendall(bytes(1000 + number))
        answer = cramped.ask(client)
        assert (answer.unacked, answer.state) == (1000 + number, "established")


def test_a_place_that_is_free_again_is_taken_first(cramped: Switched, pairs: Pairs) -> None:
    for one in pairs[0]:
        one.close()
    soon(lambda: len(cramped.do("flows")) == len(pairs) - 1)
    listener = cramped.listen("server", "10.0.1.1", 446)
    for _ in range(200):
        client = cramped.connect(port=446)
        server = cramped.accept(listener)
        client.close()
        server.close()
    assert len(threads(cramped)) == 2


def test_a_rate_is_shared_by_flows_of_all_tables(cramped: Switched, pairs: Pairs) -> None:
    rate, period = 80_000_000, 1.0
    cramped.do("rate", interface="laptop.eth0", rate=rate)
    chosen = {pairs[0][1]: 0, pairs[-1][1]: 0}
    for client, _ in (pairs[0], pairs[-1]):
        client.setblocking(False)
    end = time.monotonic() + period
    while time.monotonic() < end:
        for client, server in (pairs[0], pairs[-1]):
            with contextlib.suppress(BlockingIOError):
                client.send(bytes(65536))
            if wait(server, select.POLLIN, 0):
                chosen[server] += len(server.recv(1 << 20))
    total = sum(chosen.values())
    assert 0.7 < total * 8 / rate / period < 1.1
    assert min(chosen.values()) > 0.3 * total


def test_a_backlog_that_is_full_has_room_for_flows_of_all_tables(cramped: Switched, pairs: Pairs) -> None:
    listener = cramped.listen("server", "10.0.1.1", 447, 0)
    waiting = [cramped.syn("laptop", "10.0.1.2", "10.0.1.1", 447) for _ in range(2 * len(pairs))]
    accepted = [cramped.accept(listener) for _ in waiting]
    for one in waiting:
        assert wait(one, select.POLLOUT)
    assert len(accepted) == len(waiting)


def test_what_times_out_does_so_in_all_tables(tmp_path: Path) -> None:
    with switched(
        tmp_path / "lab", "--syn-timeout", "0.3", "--retransmit-timeout", "0.3", nofile=CRAMPED
    ) as lab:
        listener = lab.listen("server", "10.0.1.1", 445)
        clients = []
        servers = []
        for _ in range(10):
            clients.append(lab.connect())
            servers.append(lab.accept(listener))
        lab.do("block", port=445)
        waiting = [lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445) for _ in range(10)]
        for client in clients:
            client.sendall(b"x")
        for one in clients + waiting:
            assert wait(one, 0) & select.POLLHUP
            assert lab.ask(one).error == 110


def test_a_capture_shows_the_flows_of_all_tables(cramped: Switched, pairs: Pairs, tmp_path: Path) -> None:
    cramped.do("capture", file=str(tmp_path / "a.pcapng"))
    for client, server in pairs:
        client.sendall(b"x")
        assert receive(server, 1) == b"x"
    cramped.do("capture-stop")
    soon(lambda: cramped.do("capture-status")["state"] == "ended")
    assert cramped.do("capture-status")["packets"] == 2 * len(pairs)


def test_a_reset_reaches_all_tables(cramped: Switched, pairs: Pairs) -> None:
    assert cramped.do("reset", port=445)["flows"] == len(pairs)
    for one in (end for pair in pairs for end in pair):
        with pytest.raises(ConnectionResetError):
            one.recv(1)
    soon(lambda: cramped.do("flows") == [])


def test_descriptors_of_a_table_go_with_it(cramped: Switched, pairs: Pairs) -> None:
    """A file that another table holds too would never be closed."""
    tables = [list((one / "fd").iterdir()) for one in threads(cramped)]
    assert all(len(one) < CRAMPED for one in tables)
    for one in (end for pair in pairs for end in pair):
        one.close()
    soon(lambda: cramped.do("flows") == [])
    assert min(len(list((one / "fd").iterdir())) for one in threads(cramped)) <= 8
