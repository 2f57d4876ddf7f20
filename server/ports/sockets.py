"""Socket queries: what a TCP connection can tell of its own delivery.
 A channel is judged dead by these (a break that TCP does not acknowledge within a few RTO goes to the next
channel).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """`unacked`: bytes sent that the peer's TCP has not acknowledged; `rto`: retransmission timeout in
    seconds.
    """

    unacked: int
    rto: float


class SocketQueries(Protocol):
    def unacked(self, sock: socket.socket) -> int:
        """Bytes in the send queue that are not acknowledged. OSError: not a connected stream."""
        ...

    def delivery(self, sock: socket.socket) -> Delivery: ...
