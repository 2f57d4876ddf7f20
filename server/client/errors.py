"""What can go wrong for a user of the client.

Owns the exception classes. Wire errors of a peer that breaks the protocol arrive as ``ChannelLost``.
"""

from __future__ import annotations

from server.wire.status import NTSTATUS


class ClientError(Exception):
    """Anything that the client reports."""


class StatusError(ClientError):
    """The server answered with an error status; ``status`` is it, ``request`` says to what."""

    def __init__(self, status: NTSTATUS, request: str) -> None:
        super().__init__(f"{request}: {status.label}")
        self.status = status
        self.request = request


class ChannelLost(ClientError):
    """One channel is gone. Requests that may be repeated are, on another one, and nobody sees this."""


class HandleLost(ClientError):
    """The session was lost with all its channels, and in the new one the server did not give this open back."""


class SessionLost(ClientError):
    """The session ended on the server, or no channel could be had in time: what was under way failed."""
