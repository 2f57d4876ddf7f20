"""Tasks that are the same in every run: numbered by their loop, hashed by their number.

asyncio keeps tasks in sets, whose order follows from hashes; those of plain tasks are addresses in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class FakeTask(asyncio.Task[Any]):
    """``number`` counts the tasks of its loop."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, Any], **options: Any) -> None:
        self.number = number  # first: asyncio hashes it as soon as it is one
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number
