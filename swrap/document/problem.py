"""Problems of an input: collected all at once, told with their place.

Owns the shape of a complaint, ``file:line:col: message``, and the bag that loaders fill. Knows nothing of
what is being checked. Every loader adds to a ``Problems``; the command line prints a ``BadInput`` and exits
with 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from swrap.document.node import Mark


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, and where."""

    mark: Mark
    message: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.message}"


class BadInput(ValueError):
    """An input with problems: ``problems`` is sorted by place and never empty."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Problems:
    """The bag. The same complaint at the same place (an alias is read more than once) counts once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def add(self, mark: Mark, message: str) -> None:
        """Complain of what stands at ``mark``."""
        self._found[Problem(mark, message)] = None

    def extend(self, others: Problems) -> None:
        """Take over all complaints of another bag."""
        self._found.update(others._found)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found))

    def raise_any(self) -> None:
        """Raise BadInput if anything was wrong."""
        if self._found:
            raise BadInput(list(self))
