"""Signals that ask a command to end: the lab is closed first, then the status is 128+n.

Called by the commands that own a lab. For the time that one of them runs a program in the foreground,
`foreground` has them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine

BY_SIGNAL = 128
"""Added to the number of the signal that ended a command, as in a shell."""

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[object, object, int]) -> int:
    """Run ``main`` to its end and return its status;
    at a signal it is cancelled, and the status tells which it was.
    """
    return asyncio.run(_run(main))


def watch_children() -> None:
    """Let the running loop wait for children by pidfd, as asyncio does from Python 3.12 on.

    Before that it waits for each in a thread, and a signal that we block is delivered there.
    """
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)


async def _run(main: Coroutine[object, object, int]) -> int:
    watch_children()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(main)
    came: list[signal.Signals] = []

    def ask(number: signal.Signals) -> None:
        came.append(number)
        task.cancel()

    for number in _ASKING:
        # A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP: so it stays.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ask, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not came:
            raise
        return BY_SIGNAL + came[0]
    finally:
        for number in _ASKING:
            loop.remove_signal_handler(number)
