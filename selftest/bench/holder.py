"""The servers' ends of a crowd: no process may have descriptors enough for both ends of ten thousand flows.

`python -m selftest.bench.holder LISTENER COUNT` accepts so many flows, then does what it is told to, a word a line, and
answers each with a line. It ends with its stdin. Called by crowd, which holds the clients' ends.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Iterable

from selftest.switch.driver import inode, receive

MESSAGE = 1000
"""Bytes that each flow carries both ways before anything is measured."""
WITHIN = 10.0
"""Seconds in which something happens: a guard."""


def watch(ends: Iterable[socket.socket]) -> select.epoll:
    """What `told` asks which of them are told of their end."""
    watched = select.epoll()
    for end in ends:
        watched.register(end, select.EPOLLONESHOT)  # EPOLLERR and EPOLLHUP come unasked
    return watched


def told(watched: select.epoll, count: int) -> float:
    """When the last of `count` ends was told that its flow is over (time.monotonic()). RuntimeError if one is not."""
    while count and (found := len(watched.poll(WITHIN, count))):
        count -= found
    if count:
        raise RuntimeError(f"{count} ends were not told")
    return time.monotonic()


class Holder:
    """The ends, and a method for each word."""

    def __init__(self, listener: socket.socket, count: int) -> None:
        self._ends: dict[int, socket.socket] = {}
        self._fresh = select.epoll()
        listener.settimeout(WITHIN)
        for _ in range(count):
            end, _ = listener.accept()
            end.settimeout(WITHIN)
            end.sendall(inode(end).to_bytes(8, "little"))
            self._ends[end.fileno()] = end
            self._fresh.register(end, select.EPOLLIN)

    def echo(self) -> int:
        """Answer the message of each; how many there were."""
        for end in self._ends.values():
            end.sendall(receive(end, MESSAGE))
        return len(self._ends)

    def pending(self) -> int:
        """How many have something to read."""
        return len(self._fresh.poll(0, len(self._ends)))

    def take(self) -> int:
        """Wait for something to read, and take a byte of each that has some; how many."""
        return sum(len(self._ends[fd].recv(1)) for fd, _ in self._fresh.poll(WITHIN, len(self._ends)))

    def end(self) -> float:
        """Say that all are watched, and then when the last of them was told of its end."""
        with watch(self._ends.values()) as watched:
            print(len(self._ends), flush=True)
            return told(watched, len(self._ends))


def main() -> None:
    """Accept, say that it is done, and obey."""
    holder = Holder(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    words = {one.__name__: one for one in (holder.echo, holder.pending, holder.take, holder.end)}
    print(sys.argv[2], flush=True)
    for line in sys.stdin:
        print(words[line.strip()](), flush=True)


if __name__ == "__main__":
    main()
