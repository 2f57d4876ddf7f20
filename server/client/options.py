"""All that can be chosen about a client, with defaults. A plain value; times in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """``server`` is a name or an address; all its other addresses are learned from it, on ``port``."""

    server: str
    user: str
    password: str
    domain: str = ""
    port: int = 445

    encrypt: bool = False
    """Encrypt everything, even where the server does not ask for it."""
    policy: str = "windows"
    """Which addresses get channels: ``windows`` (or ``best``, the same) or ``linux``; see ``policy``."""
    channels: int | None = None
    """How many channels in all; None leaves it to the policy."""

    scheduling: str = "least_outstanding"
    """Which channel carries the next request: ``least_outstanding`` or ``round_robin``."""

    connect_timeout: float = 1.5
    """For a TCP connection to one address: a dead path is silent, so this is what trying it costs."""
    handshake_timeout: float = 5.0
    """From there to a channel that carries requests."""
    reconnect_timeout: float = 30.0
    """How long to look for a way to the server while no channel works, before the session counts as lost."""

    reconnect: bool = True
    """Follow a session that the server has no more by a new one, with all that was open and is durable."""

    poll_interval: float = 5.0
    """Between two questions for the server's interface list."""
    watch_interval: float = 0.1
    """Between two looks at the channels' sockets."""
    echo_interval: float = 5.0
    """An idle channel is asked for a sign of life this often."""
    ask_after: float = 1.0
    """So is one that owes an answer for this long."""
    answer_timeout: float = 4.0
    """One that gave none for so long, not even to an ECHO, counts as dead; the only one after twice that."""
    unacked_rto_multiple: float = 6.0
    """No byte acked for this many retransmission time-outs: dead (as Samba's server judges its clients)."""

    deferred_close: float = 5.0
    """How long a file that may be cached stays open on the server after its last close, to be opened again."""
    write_back: int = 8 << 20
    """Most bytes of one file that are kept back to be written later."""

    chunk: int = 1 << 20
    """Size of one READ or WRITE of a whole-file copy; no more than the server takes."""
    window: int = 4 << 20
    """Most bytes under way on one channel, so that a slow one does not hoard what a fast one could carry."""
    queue_time: float = 0.5
    """A channel whose answers take longer than this gets fewer bytes at a time."""
    in_flight: int = 16
    """Requests of one copy under way, over all channels."""
