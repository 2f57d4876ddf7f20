"""Figures that stand for themselves: compared with what was asked for, not with another contestant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and between what bounds it is to be."""

    title: str
    unit: str
    measured: float
    high: float | None = None
    low: float | None = None

    def met(self) -> bool:
        """Is it within those that there are?"""
        return (self.high is None or self.measured <= self.high) and (
            self.low is None or self.measured >= self.low
        )

    def wanted(self) -> str:
        """The bounds, as one reads them."""
        if self.high is None:
            return "" if self.low is None else f"≥ {self.low:.4g}"
        return f"≤ {self.high:.4g}" if self.low is None else f"{self.low:.4g} … {self.high:.4g}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one set-up yields, in a scratch directory that is its own."""

    name: str
    figures: Callable[[Path], Iterator[Figure]]
