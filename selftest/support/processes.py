"""Waiting for processes without sleeping: held by pidfd, so that «gone» means that very process."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable

DEADLINE = 20.0
"""Seconds after which a test has failed: a guard, never the way it passes."""


class Watched:
    """Processes that a test expects to end."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._held = {os.pidfd_open(pid): pid for pid in pids}

    def left_after(self, seconds: float = DEADLINE) -> list[int]:
        """Wait until all have ended; those that have not by then."""
        poll = select.poll()
        left = dict(self._held)
        for pidfd in left:
            poll.register(pidfd, select.POLLIN)
        deadline = time.monotonic() + seconds
        while left:
            ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ended:
                break
            for pidfd, _ in ended:
                poll.unregister(pidfd)
                del left[pidfd]
        return sorted(left.values())

    def close(self) -> None:
        """Let go of them."""
        for pidfd in self._held:
            os.close(pidfd)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def gone(pid: int) -> bool:
    """No such process, or only its zombie."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 0)[0])
    finally:
        os.close(pidfd)
