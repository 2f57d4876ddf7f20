"""Nothing that a module keeps is seen by another process; what is shared all the same is told."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.fake import counting
from selftest.fake.counting import uses
from swrap.fake import Network, SharedState
from swrap.fake.machine import Machine

CACHES = [counting.in_a_cache, counting.in_a_cache_of_a_method, counting.in_a_cache_of_a_static_method]
"""A process begins without any of their results."""
WAYS = [
    counting.rebound,
    counting.in_a_dict,
    counting.in_a_list_in_a_list_in_a_dict,
    counting.in_a_list,
    counting.in_a_counter,
    counting.in_a_deque,
    counting.in_a_buffer,
    counting.in_an_iterator,
    counting.in_a_bound_method_of_an_iterator,
    counting.in_an_iterator_of_others,
    counting.in_a_queue,
    counting.in_a_thread_local,
    counting.in_a_closure,
    counting.in_a_default,
    counting.in_a_named_default,
    counting.in_an_attribute_of_a_function,
    counting.in_an_attribute_of_a_class,
    counting.in_a_list_of_a_class,
    counting.in_a_singleton,
    counting.in_a_singleton_made_by_new,
    counting.in_a_singleton_of_a_metaclass,
    counting.in_an_object,
    counting.in_a_frozen_object,
    counting.by_an_object,
    counting.by_a_weak_reference,
    *CACHES,
    counting.of_another_module,
    counting.in_another_module,
]


@pytest.mark.parametrize("use", WAYS)
def test_what_a_module_keeps_is_each_processs_own(network: Network, use: Callable[[], int]) -> None:
    before = use()

    async def story() -> list[int]:
        processes = [network.spawn("server", uses, use, times) for times in (3, 5, 7)]
        await asyncio.sleep(2.5)
        assert use() == before + 1
        late = network.spawn("laptop", uses, use, 1)
        return [await process.wait() for process in (*processes, late)]

    begin = 0 if use in CACHES else before
    assert network.run(story) == [begin + times for times in (3, 5, 7, 1)]
    assert use() == before + 2


@pytest.mark.parametrize("use", WAYS)
def test_a_child_begins_with_what_its_parent_has(network: Network, use: Callable[[], int]) -> None:
    before = use()

    async def child(machine: Machine, lifeline: socket.socket) -> int:
        lifeline.close()
        return use()

    async def parent() -> int:
        used = await uses(use, 4)
        born = Machine(network.world.processes[os.getpid()]).spawn(child, "child")
        status = await born.wait()
        born.lifeline.close()
        assert use() == used + 1
        return status - used

    assert network.run(lambda: network.on("server", parent)) == (-3 if use in CACHES else 1)
    assert use() == before + 1


def test_a_lock_that_a_module_has_taken_is_taken_in_each_process(network: Network) -> None:
    async def program() -> bool:
        return counting.frees_what_is_taken()

    async def story() -> list[bool]:
        return [await network.on(host, program) for host in ("server", "laptop")]

    assert network.run(story) == [True, True]
    assert counting.busy.locked()


def test_what_is_imported_in_the_middle_of_a_run_is_each_processs_own(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plugin_of_nobody.py").write_text("import counted_by_nobody as base\nseen = base.seen\n")
    (tmp_path / "counted_by_nobody.py").write_text("seen = []\n")

    async def program(times: int) -> int:
        import plugin_of_nobody as plugin  # type: ignore[import-not-found]

        plugin.seen.append(0)
        used = await uses(lambda: plugin.seen.append(1) or len(plugin.base.seen), times)
        assert plugin.seen is plugin.base.seen
        return used

    async def story() -> list[int]:
        processes = [network.spawn("server", program, times) for times in (3, 5)]
        return [await process.wait() for process in processes]

    try:
        assert network.run(story) == [4, 6]
        assert sys.modules["plugin_of_nobody"].seen == []
    finally:
        sys.modules.pop("plugin_of_nobody", None)
        sys.modules.pop("counted_by_nobody", None)


@pytest.mark.parametrize(
    ("use", "name"),
    [(counting.in_one_that_cannot_be_copied, "whole"), (counting.in_one_with_a_finalizer, "held")],
)
def test_what_is_shared_and_changed_is_told(network: Network, use: Callable[[], int], name: str) -> None:
    with pytest.warns(SharedState) as told:
        network.run(lambda: network.on("server", uses, use, 1))
    assert [str(one.message).partition(" ")[0] for one in told] == [f"selftest.fake.counting.{name}"]


def test_a_programs_own_objects_are_seen_by_who_gave_them(network: Network) -> None:
    given: list[int] = []

    async def program(also: list[int]) -> None:
        given.append(1)
        also.append(2)

    network.run(lambda: network.on("server", program, given))
    assert given == [1, 2]
