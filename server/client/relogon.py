"""Logging on once more in a session whose time is over: same session, same keys (MS-SMB2 3.2.5.1.6, 3.3.5.5.2).

Owns the exchange of tokens. Must not know why it is asked for. Called by ``session``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from server.client.errors import ChannelLost, SessionLost, StatusError
from server.client.request import Request
from server.wire.errors import WireError
from server.wire.header import Command
from server.wire.negotiate import Capabilities, SecurityMode
from server.wire.session_setup import SessionSetupRequest, SessionSetupResponse
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS

if TYPE_CHECKING:
    from server.client.channel import Channel
    from server.client.session import Session


async def relogon(session: Session, credentials: Callable[[], Initiator]) -> None:
    """Have the session valid again, or end it: a server that is not convinced ends it as well (3.3.5.5.3)."""
    while session.lost is None and session.forsaken is None:
        try:
            await _over(await session.any_channel(), session, credentials())
        except SessionLost:
            return
        except ChannelLost:
            continue  # An exchange that was begun on one channel cannot go on over another one.
        except (StatusError, WireError) as error:
            session.end(f"it asked for a log-on anew: {error}")
        else:
            session.tell("session-authenticated", session_id=session.name)
        return


async def _over(channel: Channel, session: Session, initiator: Initiator) -> None:
    token = initiator.begin()
    while True:
        body = SessionSetupRequest(
            token, security_mode=SecurityMode.SIGNING_ENABLED, capabilities=Capabilities.NONE
        ).encode()
        reply = await session.perform(Request(Command.SESSION_SETUP, lambda body=body: [body]), over=channel)  # type: ignore[misc]
        if reply.status not in (NTSTATUS.SUCCESS, NTSTATUS.MORE_PROCESSING_REQUIRED):
            raise StatusError(reply.status, "log-on")
        answer = SessionSetupResponse.decode(reply.body).token
        if reply.status is NTSTATUS.SUCCESS:
            initiator.finish(answer)
            return
        token = initiator.respond(answer)
