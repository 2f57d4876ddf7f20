"""Modules' globals: those that a program rebinds are each process's own; what it shares all the same is told."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from selftest.fake import counting
from swrap.fake import Network, SharedState
from swrap.fake.machine import Machine


def test_a_modules_counter_is_each_processs_own(network: Network) -> None:
    counting.another()

    async def story() -> list[int]:
        processes = [network.spawn("server", counting.counts, times) for times in (3, 5, 7)]
        await asyncio.sleep(2.5)
        counting.another()
        late = network.spawn("laptop", counting.counts, 1)
        return [await process.wait() for process in (*processes, late)]

    assert network.run(story) == [4, 6, 8, 2]
    assert counting.count == 2
    counting.count = 0


def test_a_child_begins_with_what_its_parent_has(network: Network) -> None:
    async def child(machine: Machine, lifeline: socket.socket) -> int:
        lifeline.close()
        return counting.another()

    async def parent() -> int:
        await counting.counts(4)
        born = Machine(network.world.processes[os.getpid()]).spawn(child, "child")
        status = await born.wait()
        born.lifeline.close()
        assert counting.count == 4
        return status

    assert network.run(lambda: network.on("server", parent)) == 5
    assert counting.count == 0


def test_what_is_changed_in_place_is_told(network: Network) -> None:
    with pytest.warns(SharedState) as told:
        network.run(lambda: network.on("server", counting.remembers))
    assert sorted(str(one.message).partition(" ")[0] for one in told) == [
        "selftest.fake.counting.Kept",
        "selftest.fake.counting.seen",
    ]
