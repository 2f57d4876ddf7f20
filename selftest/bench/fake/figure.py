"""What a benchmark of the fake network gives, and what it has to reach."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`measure` gives the figure; `limit` is the least of it, or the most where `less` is better."""

    name: str
    title: str
    measure: Callable[[], float]
    unit: str
    limit: float
    less: bool = False
    rounds: int = 3

    def median(self) -> float:
        """Of so many measurements."""
        return statistics.median(self.measure() for _ in range(self.rounds))

    def reached(self, figure: float) -> bool:
        """Is it good enough?"""
        return figure <= self.limit if self.less else figure >= self.limit
