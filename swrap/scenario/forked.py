"""The same work for many values, in processes of our own: as many as there are CPUs, told in the order of the values.

Owns those processes, which end with who asks. Must not know what the work is. Used by ``explore``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal has come that asks us to end: its ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def each(work: Callable[[_T], _R], values: Sequence[_T]) -> Iterator[Iterator[_R]]:
    """What ``work`` returns for each value; what it raises is raised when its turn comes.

    Raises ChildProcessError where a process is gone before it has said what came of a value, Interrupted.
    """
    workers: list[tuple[ForkProcess, Connection]] = []
    came: list[int] = []

    def caught(number: int, frame: FrameType | None) -> None:
        came.append(number)
        for worker, _ in workers:
            worker.terminate()

    def results() -> Iterator[_R]:
        for number, value in enumerate(values):
            try:
                result, error = workers[number % len(workers)][1].recv()
            except EOFError:
                raise ChildProcessError(f"the process that had {value!r} to do is gone") from None
            finally:
                if came:
                    raise Interrupted(came[0])
            if error is not None:
                raise error
            yield result

    before = {number: signal.getsignal(number) for number in _ASKING}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, caught)
        count = min(len(os.sched_getaffinity(0)), len(values))
        context = multiprocessing.get_context("fork")
        for first in range(count):
            ours, theirs = context.Pipe(duplex=False)
            others = [ours, *(other for _, other in workers)]
            worker = context.Process(
                target=_work, args=(work, values[first::count], theirs, others), daemon=True
            )
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING)  # until it has handlers of its own
            try:
                worker.start()
                workers.append((worker, ours))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
                theirs.close()
        yield results()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for worker, ours in workers:
            ours.close()
            worker.terminate()
            worker.join()


def _work(
    work: Callable[[_T], _R], values: Sequence[_T], results: Connection, others: Sequence[Connection]
) -> None:
    os.setpgid(0, 0)  # a terminal's Ctrl-C is for who started us
    for number in _ASKING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING)
    for other in others:
        other.close()
    with suppress(BrokenPipeError):  # nobody wants to know any more
        for value in values:
            results.send(_result(work, value))


def _result(work: Callable[[_T], _R], value: _T) -> tuple[_R | None, Exception | None]:
    try:
        return work(value), None
    except Exception as error:
        return None, error
