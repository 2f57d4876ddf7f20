"""What differs on purpose: each promise that a back end does not keep, with the reason.

A test of such a promise must fail there; one that is kept after all fails the suite, so that this list stays true.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Difference:
    """`backend` does not keep `promise` (in `family` alone, if one is named), for a reason."""

    promise: str
    backend: str
    reason: str
    family: str | None = None


SHORT_QUEUE = "an AF_UNIX socket takes net.unix.max_dgram_qlen datagrams and one, from whoever is not its peer: the rest is lost"

NOT_SIMULATED = {
    "the program forks": (
        "an accepted socket inherits TCP_NODELAY, and it survives dup and fork",
        "through fork, exec and SCM_RIGHTS it is the same socket",
        "what is sent before the end arrives after it",
    ),
    "the program has threads, which are the machine's": (
        "a file sent by sendfile arrives whole, and POLLOUT comes again and again",
        "threads that use a fresh socket at once agree on its port",
        "a megabyte arrives as it was sent",
        "an urgent byte in the middle of much leaves the rest as it was",
    ),
    "a datagram is under way for a while, within its host too": (
        "a group's members hear, all of them, as long as they are members",
    ),
    "the program calls libc by ctypes, behind Python's back": (
        "connect to nobody is a reset, and the socket may connect again",
        "many at once",
        "a connected socket hears its peer alone, until it is disconnected",
    ),
    "a gap: MSG_TRUNC of a stream, and error queues": (
        "MSG_TRUNC throws away what it counts, by every receive that takes flags",
        "MSG_TRUNC throws away as many bytes as were asked for",
        "nothing is in the error queue of a stream",
    ),
    "a gap: signal.signal, and signals that sockets send": (
        "SIGPIPE comes with the broken pipe, and not where MSG_NOSIGNAL forbids it",
        "an urgent byte is a SIGURG for whom the socket belongs to",
    ),
}
"""What programs of processes do that a fake process cannot, by its reason."""

QUEUE = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
ENOUGH = 100
"""Datagrams that no test leaves unread; systemd raises the machine's 10 to 512."""

DIFFERENCES = (
    Difference("names hosts", "kernel", "nobody gives the kernel's hosts names"),
    *(
        Difference(promise, "direct", SHORT_QUEUE)
        for promise in (
            "SO_REUSEPORT spreads senders, and each keeps to its receiver",
            "what is sent before the end arrives after it",
        )
        if QUEUE < ENOUGH
    ),
    Difference(
        "of several, the one that fits best",
        "direct",
        "a sender cannot tell which of those that share a port is connected to it",
    ),
    Difference(
        "readiness closed", "direct", "AF_UNIX knows at once that nobody will ever read, and says EPOLLHUP"
    ),
    *(
        Difference("readiness low-water", backend, "an AF_UNIX socket is ready with its first byte")
        for backend in ("direct", "switched")
    ),
    *(
        Difference("edges oneself", backend, "a connection here has a listener: two SYNs that meet find none")
        for backend in ("direct", "switched")
    ),
    *(
        Difference(f"signals {promise}", "direct", "a SYN is never lost, and no backlog is full")
        for promise in ("connect-interrupted", "connect-patience", "connect-restarted", "connect-goes-on")
    ),
    Difference(
        "after both FINs a connection is over",
        "direct",
        "nobody can tell the peer's FIN from one's own shutdown of both sides",
    ),
    *(
        Difference(f"backlog {promise}", "direct", "a full one is EAGAIN in AF_UNIX, so all are large")
        for promise in ("room", "grown", "closed", "given-up")
    ),
)

DIFFERENCES += tuple(
    Difference(promise, "fake", reason) for reason, promises in NOT_SIMULATED.items() for promise in promises
)


def expected(promise: object, backend: object, family: object) -> Difference | None:
    """The difference that a test with these parameters must show, if any."""
    for one in DIFFERENCES:
        if (one.promise, one.backend) == (promise, backend) and one.family in (None, family):
            return one
    return None
