"""Time is virtual: it jumps when all are idle, and every clock inside tells the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from swrap.fake import Deadlock, Network

Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def test_a_day_goes_by_in_no_time(network: Network) -> None:
    async def story() -> tuple[float, ...]:
        began = time.time(), time.monotonic(), time.perf_counter_ns(), time.time_ns()
        await asyncio.sleep(86_400)
        now = time.time(), time.monotonic(), time.perf_counter_ns() / 1e9, time.time_ns() / 1e9
        assert asyncio.get_running_loop().time() == time.monotonic()
        return now[0] - began[0], now[1] - began[1], now[2] - began[2] / 1e9, now[3] - began[3] / 1e9

    real = time.monotonic()
    assert network.run(story) == pytest.approx((86_400,) * 4)
    assert time.monotonic() - real < 10


def test_dates_are_those_of_the_clock(on_server: Run) -> None:
    async def program() -> None:
        await asyncio.sleep(86_400)
        now = datetime.now()
        assert datetime.now(UTC).timestamp() == pytest.approx(time.time())
        assert now == datetime.now(UTC).replace(tzinfo=None) == datetime.today()
        assert time.strftime("%H:%M:%S") == f"{now:%H:%M:%S}"
        assert isinstance(datetime(2020, 1, 1), datetime)
        assert isinstance(before, datetime)
        assert datetime.fromisoformat("2020-01-01") == datetime(2020, 1, 1)

    before = datetime.now()
    on_server(program)
    assert datetime.now() - before < timedelta(hours=1)


def test_time_outs_and_task_groups_are_asyncios_own(on_server: Run) -> None:
    async def program() -> list[str]:
        said: list[str] = []

        async def one(name: str, after: float) -> None:
            await asyncio.sleep(after)
            said.append(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(one("late", 2))
            group.create_task(one("soon", 1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.sleep(10)
        return [*said, str(round(time.monotonic(), 3))]

    assert on_server(program) == ["soon", "late", "5.0"]


def test_who_waits_for_what_never_comes_is_told(network: Network) -> None:
    async def wait_in_vain() -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        await network.on("laptop", wait_in_vain)

    with pytest.raises(Deadlock, match=r"wait_in_vain \(1001\).*Event.wait"):
        network.run(story)


def test_who_spins_until_time_goes_by_gets_there(on_server: Run) -> None:
    async def spin() -> float:
        while time.monotonic() < 0.005:  # noqa: ASYNC110  # time is virtual
            await asyncio.sleep(0)
        return time.monotonic()

    assert on_server(spin) == pytest.approx(0.005, rel=0.1)


def test_executor_jobs_of_one_thread_keep_their_order_and_others_need_not() -> None:
    def order(threads: int, seed: int) -> list[int]:
        done: list[int] = []

        async def program() -> None:
            loop = asyncio.get_running_loop()
            with ThreadPoolExecutor(threads) as pool:
                await asyncio.gather(*(loop.run_in_executor(pool, done.append, n) for n in range(20)))
            assert time.monotonic() > 0

        network = Network({"server": {"eth0": "10.0.0.1/24"}}, seed)
        network.run(lambda: network.on("server", program))
        return done

    assert order(1, 1) == list(range(20))
    assert sorted(order(8, 1)) == list(range(20))
    assert len({tuple(order(8, seed)) for seed in range(4)}) == 4
    assert order(8, 3) == order(8, 3)


def test_outside_time_is_what_it_was(network: Network) -> None:
    before = time.time, time.monotonic

    async def story() -> None:
        await asyncio.sleep(5)

    network.run(story)
    assert (time.time, time.monotonic) == before


def test_a_run_can_be_paced() -> None:
    network = Network({"server": {"eth0": "10.0.0.1/24"}})

    async def story() -> None:
        await asyncio.sleep(0.2)

    real = time.monotonic()
    network.run(story, pace=1)
    assert time.monotonic() - real >= 0.19
