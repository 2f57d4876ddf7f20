"""A program that keeps something in its module, in every way that there is."""

from __future__ import annotations

import asyncio

count = 0
seen: list[int] = []


class Kept:
    last = 0


def another() -> int:
    """One more of this process."""
    global count
    count += 1
    return count


async def counts(times: int) -> int:
    """So many, while others have their turns."""
    for _ in range(times):
        await asyncio.sleep(1)
        another()
    return count


async def remembers() -> None:
    """It leaves something where all find it."""
    seen.append(1)
    Kept.last += 1
