"""What is left to the garbage collector is collected at the same moments in every run."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator

from swrap.fake import Network


class Left:
    """In a circle with itself; it tells when it goes."""

    def __init__(self, told: list[float]) -> None:
        self.told = told
        self.itself = self

    def __del__(self) -> None:
        self.told.append(time.monotonic())


def collected(noise: int) -> list[float]:
    """When they go, if meanwhile the real process makes so many objects more."""
    network = Network({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}}, seed=1)
    told: list[float] = []
    kept: list[list[int]] = []

    async def leaves() -> None:
        for _ in range(6_000):
            Left(told)
            kept.extend([] for _ in range(noise))
            await asyncio.sleep(0.001)

    async def story() -> list[float]:
        await asyncio.gather(network.on("server", leaves), network.on("laptop", leaves))
        return list(told)

    return network.run(story)


def test_a_finalizer_runs_at_the_same_moment_whatever_else_the_machine_does() -> None:
    assert gc.isenabled()
    few, many = collected(0), collected(7)
    assert few == many
    assert len(set(few)) > 3
    assert gc.isenabled()


def test_a_generator_that_is_left_is_closed_by_the_loop_of_its_process(network: Network) -> None:
    closed: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            current = asyncio.current_task()
            closed.append("nobody" if current is None else f"{current.get_loop().process.name}")  # type: ignore[attr-defined]

    async def leaves() -> None:
        circle: list[object] = [numbers()]
        circle.append(circle)
        assert await anext(circle[0]) == 1  # type: ignore[call-overload]
        del circle
        await asyncio.sleep(2)

    async def collects() -> None:
        await asyncio.sleep(1)
        gc.collect()
        await asyncio.sleep(2)

    async def story() -> None:
        left = network.spawn("server", leaves)
        await network.on("laptop", collects)
        await left.wait()

    network.run(story)
    assert closed == ["leaves"]
