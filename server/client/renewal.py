"""A new session in the place of one that the server has no more, with all that the client held there.

Owns the order: log in with PreviousSessionId, trees, durable opens, what waits (MS-SMB2 3.2.4.2.3, 3.2.4.4). Must
not know when that is due. Called by ``keeper``.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.client.channel import Channel, endpoint
from server.client.dialer import Dialer
from server.client.errors import ClientError, StatusError
from server.client.holdings import Holdings
from server.client.options import Options
from server.client.policy import Path
from server.client.session import Session
from server.wire.status import NTSTATUS

_FINAL = (NTSTATUS.LOGON_FAILURE, NTSTATUS.ACCESS_DENIED)


async def renew(
    session: Session, holdings: Holdings, dialer: Dialer, options: Options, paths: Sequence[Path]
) -> Channel | None:
    """Try each of ``paths`` once. The first channel of the new session; None if there is none yet."""
    former, name = session.terms.session_id, session.name
    for path in paths:
        try:
            channel = await dialer.dial(path, None, previous=former)
        except (OSError, ClientError) as error:
            session.tell(
                "channel-failed",
                remote=endpoint(str(path.remote), options.port),
                ifindex=path.ifindex,
                reason=str(error) or "no answer in time",
            )
            if isinstance(error, StatusError) and error.status in _FINAL:
                session.end(f"{session.forsaken}; and then {error}")
                return None
            continue
        try:
            session.begin(channel, options.user, encrypt=options.encrypt)
            await holdings.restore(channel)
        except ClientError as error:
            session.forsake(f"the one that followed was lost as well: {error}")
            return None
        session.whole()
        session.tell("session-renewed", session_id=session.name, former=name, handles_lost=holdings.lost)
        return channel
    return None
