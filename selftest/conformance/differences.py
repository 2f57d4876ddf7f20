"""What differs on purpose: each promise that a back end does not keep, with the reason.

A test of such a promise must fail there; one that is kept after all fails the suite, so that this list stays true.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`backend` does not keep `promise` (in `family` alone, if one is named), for a reason."""

    promise: str
    backend: str
    reason: str
    family: str | None = None


NO_SWITCH = (
    "nobody is between two sockets who could keep, spread, count or refuse what one sends to the other"
)

DIFFERENCES = (
    *(
        Difference(promise, "direct", NO_SWITCH)
        for promise in (
            "nobody listens: a connected socket is refused, once",
            "two that both say SO_REUSEADDR share a port, and the last one has it",
            "SO_REUSEPORT spreads senders, and each keeps to its receiver",
            "of several, the one that fits best",
            "options that can be set read back, before and after a bind",
            "the socket's ttl and tos are on what it sends",
            "a group's members hear, all of them, as long as they are members",
            "a resolver's probe: connect to port 0, and see which address it would be",
            "what is sent before the end arrives after it",
        )
    ),
    *(
        Difference(promise, "direct", NO_SWITCH, "ipv4")
        for promise in ("a socket bound to a group hears nothing else", "a broadcast takes leave")
    ),
    Difference(
        "readiness closed", "direct", "AF_UNIX knows at once that nobody will ever read, and says EPOLLHUP"
    ),
    *(
        Difference(f"signals {promise}", "direct", "a SYN is never lost, and no backlog is full")
        for promise in ("connect-interrupted", "connect-patience", "connect-restarted", "connect-goes-on")
    ),
    *(
        Difference(f"backlog {promise}", "direct", "a full one is EAGAIN in AF_UNIX, so all are large")
        for promise in ("room", "grown", "closed", "given-up")
    ),
)


def expected(promise: object, backend: object, family: object) -> Difference | None:
    """The difference that a test with these parameters must show, if any."""
    for one in DIFFERENCES:
        if (one.promise, one.backend) == (promise, backend) and one.family in (None, family):
            return one
    return None
