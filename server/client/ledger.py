"""What became of the attempts to use each path, and so which may be tried now.

Owns the back-off. A pure value over a clock that is passed in. Called by ``keeper``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.client.policy import Address, Path

FIRST, MOST = 0.5, 4.0
"""Seconds of pause after the first failure, and the most it doubles to."""

Key = tuple[str | None, Address]


@dataclass(slots=True)
class _Record:
    failures: int = 0
    retry_at: float = 0.0
    more_at: float = 0.0


class Ledger:
    def __init__(self) -> None:
        self._records: dict[Key, _Record] = {}

    def usable(self, path: Path, now: float) -> bool:
        """Whether the path may be relied on or tried (again)."""
        record = self._records.get(path.key)
        return record is None or record.retry_at <= now

    def room(self, path: Path, now: float) -> bool:
        """Whether it may be asked for one channel more than it has."""
        record = self._records.get(path.key)
        return record is None or record.more_at <= now

    def failed(self, path: Path, now: float, *, forgivable: bool = False) -> None:
        """It does not work. ``forgivable``: it did until now; the first time it may be tried at once."""
        record = self._records.setdefault(path.key, _Record())
        if not (forgivable and record.failures == 0):
            record.retry_at = now + min(FIRST * 2**record.failures, MOST)
        record.failures += 1

    def full(self, path: Path, now: float) -> None:
        """It works, but gave no further channel."""
        self._records.setdefault(path.key, _Record()).more_at = now + MOST

    def works(self, path: Path) -> None:
        """It carries a channel now. That it failed before is remembered until ``settled``."""
        record = self._records.get(path.key)
        if record is not None:
            record.retry_at = 0.0

    def settled(self, path: Path) -> None:
        """It has worked for a while."""
        record = self._records.get(path.key)
        if record is not None and record.retry_at == 0.0:
            record.failures = 0

    def forget(self, which: Callable[[Key], bool]) -> None:
        """There is news of these paths: what was tried before says nothing any more."""
        for key in [key for key in self._records if which(key)]:
            del self._records[key]
