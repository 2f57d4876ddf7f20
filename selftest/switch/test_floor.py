"""Where many flows have much to carry a few do at a time: none has less of it in the end, none waits for one that stands still."""

from __future__ import annotations

import select

import pytest

from selftest.switch.driver import Switched, fill, receive, wait
from selftest.switch.test_churn import CRAMPED, sanitized, victim  # noqa: F401
from selftest.switch.test_rate import Pair, measured

MANY = 24
"""Several times as many as have a place."""
SHARE = 2 << 20
"""Bytes that one moves before others take its place."""
PORT = 2000


@pytest.fixture
def pairs(victim: Switched) -> list[Pair]:  # noqa: F811 - a fixture
    """Flows to ports from PORT on."""
    return [victim.pair(port=PORT + i) for i in range(MANY)]


@CRAMPED
def test_each_gets_as_much_as_the_others(pairs: list[Pair], nofile: int | None) -> None:
    _, got = measured(pairs, 0, MANY * 4 * SHARE)
    assert max(got) < 4 * min(got)


@CRAMPED
def test_none_waits_for_those_whose_receivers_do_not_read(pairs: list[Pair], nofile: int | None) -> None:
    *stuck, (client, server) = pairs
    written = [fill(one) for one, _ in stuck]
    client.sendall(b"little")
    assert receive(server, 6) == b"little"
    _, got = measured([(client, server)], 0, 4 * SHARE)
    assert got[0] >= 4 * SHARE
    for (_, one), count in zip(stuck, written, strict=True):
        assert receive(one, count) == bytes(count)


def test_flows_that_end_leave_their_places(victim: Switched) -> None:  # noqa: F811 - a fixture
    for client, _ in [victim.pair() for _ in range(MANY)]:
        fill(client)
    assert victim.do("reset", port=445)["flows"] == MANY
    pairs = [victim.pair() for _ in range(4 * MANY)]  # so many that they are where the others were
    written = [fill(client) for client, _ in pairs]
    for (_, server), count in zip(pairs, written, strict=True):
        assert receive(server, count) == bytes(count)


def test_a_fault_has_hold_of_those_that_wait_too(victim: Switched, pairs: list[Pair]) -> None:  # noqa: F811 - a fixture
    for client, _ in pairs:
        fill(client)
    assert victim.do("block", port=PORT + MANY - 1)["flows"] == 1
    client, server = pairs[-1]
    while wait(server, select.POLLIN, 0):
        server.recv(1 << 20)
    fill(client)
    assert wait(server, select.POLLIN, 0.05) == 0
    victim.do("heal")
    assert wait(server, select.POLLIN)
