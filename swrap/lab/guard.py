"""What happens to a program between fork(2) and execve(2).

Owns the order of it; the system calls are in C (`swrap/abi/guard.c`), since little may be done there. Called
by lab (in the child) and joined (in place of itself).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable

from swrap.abi import lib

_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these two, and what is ignored stays so through exec."""


def before_exec(parent: int, *, guard: bool, unblock: Iterable[signal.Signals] = ()) -> Callable[[], None]:
    """A function for the child: it dies with ``parent``, is behind the guard, and has ``unblock`` unblocked.

    The function raises OSError where the kernel refuses; subprocess turns that into SubprocessError in the
    parent.
    """
    signals = frozenset(unblock)

    def enter() -> None:
        if lib.sw_die_with_parent(parent) < 0:
            os._exit(128 + signal.SIGKILL)  # it died before we could ask: so do we
        if signals:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if guard:
            install()

    return enter


def install() -> None:
    """Put this process, and all that it becomes, behind the guard. OSError where the kernel cannot."""
    error = lib.sw_guard_install()
    if error < 0:
        raise OSError(-error, f"the guard cannot be installed: {os.strerror(-error)}")


def default_signals() -> None:
    """Undo what Python ignores, for a program that takes this process over."""
    for number in _BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
