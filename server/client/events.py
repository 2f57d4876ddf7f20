"""What the client tells whoever watches it: kinds of events and their fields.

Owns the catalogue. The actor's schema and the progress display are made of it; nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Field = str | int | float | bool | None | list[int] | list[str]
Observer = Callable[[str, Mapping[str, Field]], None]
"""Called with the kind and the fields, from the event loop; must not block."""


def nobody(_kind: str, _fields: Mapping[str, Field]) -> None:
    """The observer of a client that nobody watches."""


CATALOGUE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "session-opened": (
        "A session was set up.",
        {
            "session_id": "0x… hexadecimal",
            "dialect": "as 3.1.1",
            "signing": "the algorithm that signs",
            "cipher": "the one that encrypts; NONE if the session as a whole is not encrypted",
            "user": "who logged in",
        },
    ),
    "session-lost": (
        "The session ended without a log-off.",
        {"session_id": "0x… hexadecimal", "reason": "what happened"},
    ),
    "session-closed": ("The client logged off.", {"session_id": "0x… hexadecimal"}),
    "session-renewed": (
        "A new session stands in the place of one that the server has no more; what was under way goes on.",
        {
            "session_id": "0x… hexadecimal",
            "former": "the other's, 0x… hexadecimal",
            "handles_lost": "paths of the opens that the server did not give back",
        },
    ),
    "session-authenticated": ("The user has logged on anew.", {"session_id": "0x… hexadecimal"}),
    "handle-lost": ("An open is no more.", {"path": "in the share", "reason": "why"}),
    "channel-opened": (
        "A connection carries requests of the session.",
        {
            "channel": "its number",
            "session_id": "0x… hexadecimal",
            "local": "address:port",
            "remote": "address:port",
            "interface": "this host's interface, null where routing chose",
            "ifindex": "of the server's interface, 0 if it was not in its list",
            "speed": "bit/s of the slower end, 0 if unknown",
            "bound": "false for the channel that logged in",
        },
    ),
    "channel-failed": (
        "An address was tried and gave no channel.",
        {"remote": "address:port", "ifindex": "of the server's interface", "reason": "what happened"},
    ),
    "channel-silent": (
        "A channel no longer gets bytes across; it is kept only until another one carries the session.",
        {
            "channel": "its number",
            "session_id": "0x… hexadecimal",
            "remote": "address:port",
            "reason": "how it was noticed",
            "unacked": "bytes that the peer has not acknowledged",
            "outstanding": "requests without an answer",
        },
    ),
    "channel-alive": (
        "A silent channel carries bytes again before it was given up.",
        {"channel": "its number", "session_id": "0x… hexadecimal", "remote": "address:port"},
    ),
    "channel-lost": (
        "A channel is gone, with these requests under way.",
        {
            "channel": "its number",
            "session_id": "0x… hexadecimal",
            "remote": "address:port",
            "reason": "how it was noticed",
            "outstanding": "requests without an answer",
            "channel_sequence": "the session's, from now on",
        },
    ),
    "channel-closed": (
        "A channel was closed because a better path carries the session.",
        {
            "channel": "its number",
            "session_id": "0x… hexadecimal",
            "remote": "address:port",
            "reason": "why",
        },
    ),
    "replayed": (
        "The requests of a lost channel are all under way again.",
        {
            "channel": "the lost one",
            "requests": "how many",
            "channel_sequence": "with which they were sent",
            "over": "the channels that carry them now",
        },
    ),
    "path-changed": (
        "The best interface is another one.",
        {
            "from": "address of the server, null at first",
            "to": "address of the server",
            "speed": "bit/s",
            "reason": "why",
        },
    ),
    "interfaces-changed": (
        "The server's interface list is not what it was.",
        {"appeared": "addresses", "vanished": "addresses"},
    ),
    "lease-broken": (
        "The server wants a lease back, or a part of it.",
        {
            "path": "in the share, null where the last open is closed already",
            "key": "the lease key, hexadecimal",
            "channel": "over which it was told",
            "before": "what was allowed, of R, W and H",
            "left": "what is allowed from now on",
            "epoch": "of the lease",
            "acknowledged": "whether it is to be acknowledged",
        },
    ),
    "transfer": ("Bytes of a copy were acknowledged.", {"path": "in the share", "bytes": "so far"}),
}
"""kind → (what it means, field → what it holds)."""
