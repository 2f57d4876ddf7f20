"""A fault on thousands of flows is in force before its answer comes, and that takes milliseconds."""

from __future__ import annotations

import errno
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, receive, switched, wait

Pair = tuple[socket.socket, socket.socket]
WANTED = 10_000
BUDGET = 0.05
"""Seconds of the switch's time, for so many flows."""


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[tuple[Switched, list[Pair]]]:
    """As many flows as the limit of descriptors allows, up to WANTED."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    flows: list[Pair] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with switched(tmp_path / "lab") as lab:
            listener = lab.listen("server", "10.0.1.1", 445, 4096)
            for _ in range(min(WANTED, (hard - 1000) // 2)):
                client = lab.connect()
                flows.append((client, lab.accept(listener)))
            yield lab, flows
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def spent(lab: Switched) -> float:
    """Seconds that the switch has computed. Others on the machine do not make it more."""
    return int(Path(f"/proc/{lab.process.pid}/schedstat").read_text().split()[0]) / 1e9


def test_a_fault_takes_hold_of_all_flows_at_once(crowded: tuple[Switched, list[Pair]]) -> None:
    lab, flows = crowded
    budget = BUDGET * len(flows) / WANTED
    best = 1.0
    for _ in range(5):
        for _ in range(3):
            lab.do("ping")  # what the last fault left to do is done
        began = spent(lab)
        assert lab.do("block", port=445)["flows"] == len(flows)
        best = min(best, spent(lab) - began)
        for client, server in flows[:: len(flows) // 50]:
            client.send(b"x")
            assert wait(server, select.POLLIN, 0) == 0
        assert lab.do("heal")["flows"] == len(flows)
        for _, server in flows[:: len(flows) // 50]:
            assert receive(server, 1) == b"x"
    assert best < budget, f"{best * 1000:.1f} ms for {len(flows)} flows"


def test_a_reset_is_in_force_for_all_before_all_are_told(crowded: tuple[Switched, list[Pair]]) -> None:
    lab, flows = crowded
    listener = lab.listen("server", "10.0.1.1", 446)
    other = lab.connect(port=446), lab.accept(listener)
    began = spent(lab)
    touched = lab.do("reset", port=445)["flows"]
    assert spent(lab) - began < BUDGET * len(flows) / WANTED
    assert touched == len(flows)
    (left,) = lab.do("flows")
    assert left["server"] == "10.0.1.1:446"
    other[0].send(b"meanwhile")
    assert receive(other[1], 9) == b"meanwhile"
    client, server = flows[-1]
    assert (lab.ask(client).state, lab.ask(server).error) == ("closed", errno.ECONNRESET)
    for client, server in flows:
        for end in client, server:
            with pytest.raises(ConnectionResetError):
                end.recv(100)
