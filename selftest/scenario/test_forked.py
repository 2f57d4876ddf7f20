"""Work for many values is done on all CPUs at once, and told in the order of the values."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from swrap.scenario import Outcome, fake_backend, load
from swrap.scenario.explore import explore
from swrap.scenario.forked import each

T = TypeVar("T")
STORY = Path(__file__).resolve().parents[2] / "scenarios" / "link-switching" / "reset.yaml"


def all_of(work: Callable[[int], T], values: Sequence[int]) -> list[T]:
    with each(work, values) as found:
        return list(found)


def and_who(value: int) -> tuple[int, int]:
    return value, os.getpid()


def test_each_value_is_told_in_its_turn_by_as_many_processes_as_there_are_cpus() -> None:
    found = all_of(and_who, range(40, 55))
    assert [value for value, _ in found] == [*range(40, 55)]
    pids = {pid for _, pid in found}
    assert len(pids) == min(15, len(os.sched_getaffinity(0)))
    assert os.getpid() not in pids
    assert all_of(and_who, range(0)) == []


def test_what_goes_wrong_is_raised_when_its_turn_comes() -> None:
    def inverse(value: int) -> float:
        return 1 / value

    with each(inverse, [1, 2, 0, 4]) as found:
        assert [next(found), next(found)] == [1, 0.5]
        with pytest.raises(ZeroDivisionError):
            next(found)


def test_a_process_that_is_gone_is_told() -> None:
    with pytest.raises(ChildProcessError, match="had 7 to do"):
        all_of(lambda value: os._exit(0), [7, 8, 9])


def test_nobody_works_on_when_nobody_asks_any_more() -> None:
    def waits(value: int) -> int:
        if value:
            signal.pause()
        return os.getpid()

    with each(waits, range(10)) as found:
        pid = next(found)
        assert pid in {child.pid for child in multiprocessing.active_children()}
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_walk_over_seeds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    def asks(*_: object) -> None:
        with contextlib.suppress(FileExistsError):  # one of them: a second signal may come when all is over
            (tmp_path / "asked").touch(exist_ok=False)
            os.kill(os.getppid(), number)
        signal.pause()

    monkeypatch.setattr(fake_backend, "run", asks)
    before = signal.getsignal(number)
    ((seed, verdict),) = explore(load(STORY), range(5, 9))
    assert (seed, verdict.outcome, verdict.exit_code) == (5, Outcome.INTERRUPTED, 128 + number)
    assert multiprocessing.active_children() == []
    assert signal.getsignal(number) is before
