"""What every reporter is, and how several of them are one.

Owns the order in which they are served (the screen first: the verdict is seen whatever becomes of the
files) and what happens when one of them fails. Called by whoever runs a scenario or replays a record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, TextIO

from swrap.events import Event

from .outcome import Verdict
from .streams import settle


class ReportError(Exception):
    """A report could not be written. One line, which names the file; ``swrap run`` exits with 3."""

    exit_code = 3


class Reporter(Protocol):
    """Takes the events of one run after the other; ``run-started`` begins one."""

    def event(self, e: Event, /) -> None:
        """One event, in the order of the stream."""

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        """The run is over. ``verdict`` prevails over what ``run-ended`` told; None: that is all there is."""

    def close(self) -> None:
        """No more runs; gives back what is held, the terminal above all. Again is harmless."""


class Reporters:
    """Several reporters as one: each gets everything, and none keeps another from its work.

    A context manager: leaving it closes, so that an exception on the way leaves a sane terminal. ``screens``:
    what the members print to; what one of them holds back when it fails must not fail again at exit.
    """

    def __init__(self, members: Sequence[Reporter], screens: Sequence[TextIO] = ()) -> None:
        self._members = list(members)
        self._screens = screens
        self._failures: list[str] = []

    def event(self, e: Event, /) -> None:
        """Hand it to all. A member that fails gets nothing more; ``close`` raises its failure."""
        for member in list(self._members):
            self._guarded(member, lambda member=member: member.event(e))  # type: ignore[misc]

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        """Finish all. What fails is raised by ``close``: scenarios that follow are run and shown first."""
        for member in list(self._members):
            self._guarded(member, lambda member=member: member.finish(verdict))  # type: ignore[misc]

    def close(self) -> None:
        """Close all; then raise ReportError, once, for all that failed since the beginning."""
        for member in list(self._members):
            self._guarded(member, member.close)
        failures, self._failures = self._failures, []
        if failures:
            raise ReportError("; ".join(failures))

    def __enter__(self) -> Reporters:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            self.close()
        except ReportError:
            if error is None:
                raise

    def _guarded(self, member: Reporter, act: Callable[[], None]) -> None:
        try:
            act()
        except ReportError as error:
            self._drop(member, str(error))
        except OSError as error:
            self._drop(member, f"cannot write to the screen: {error.strerror or error}")
            for screen in self._screens:
                settle(screen)
        except Exception as error:  # a view that stumbles must not take the run with it; its name is told
            self._drop(member, f"{type(member).__name__} failed: {type(error).__name__}: {error}")

    def _drop(self, member: Reporter, failure: str) -> None:
        self._failures.append(failure)
        self._members.remove(member)
        try:
            member.close()
        except (OSError, ReportError):
            return  # it has failed already; that is what will be told
