"""What is asked of the server: a command, its body and how it may be repeated. Plain values.

Owns nothing. ``session`` sends them; ``files``, ``tree`` and ``leases`` make them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from server.wire.buffers import Buffer
from server.wire.header import Command


class Repeat(Enum):
    """What to do with a request whose channel is lost before the answer."""

    NEVER = "never"
    PLAIN = "plain"
    """Send it again: doing it twice changes nothing."""
    FLAGGED = "flagged"
    """Send it again with REPLAY_OPERATION, so that the server can tell (3.3.5.2.10)."""


@dataclass(slots=True, eq=False)
class TreeId:
    """A connected share, by the number that it has in the present session. ``encrypted``: it demands that."""

    share: str
    number: int = 0
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """``body`` is asked for whenever the request is sent: ids in it are another session's after a renewal. What it
    raises is the request's result.

    ``payload``: bytes that it sends or may receive, which is what it costs in credits. ``size``: those that count
    against a channel's window; 0 for a request that should never wait behind data.
    """

    command: Command
    body: Callable[[], Sequence[Buffer]]
    tree: TreeId | None = None
    payload: int = 0
    size: int = 0
    repeat: Repeat = Repeat.PLAIN
