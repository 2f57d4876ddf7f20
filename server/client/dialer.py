"""Makes channels: one to log in, further ones to bind.

Owns the identity of this client (its ClientGuid and credentials) and the numbering of channels. Must not know
which paths are good. Called by ``session`` for the first channel and by ``keeper`` for the rest.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from itertools import count

from server.client.channel import Channel
from server.client.errors import ChannelLost
from server.client.handshake import SessionKeys, handshake
from server.client.options import Options
from server.client.policy import Path
from server.wire.ntlm import NtlmClient
from server.wire.spnego import Initiator


class Dialer:
    """``on_change`` goes to every channel: it is told of answers and of the end."""

    def __init__(
        self,
        options: Options,
        on_change: Callable[[Channel], None],
        *,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._options = options
        self._on_change = on_change
        self._random_bytes = random_bytes
        self._numbers = count(1)
        self.client_guid = uuid.UUID(bytes=random_bytes(16), version=4)

    def credentials(self) -> Initiator:
        """Proves once who the user is."""
        options = self._options
        ntlm = NtlmClient(options.user, options.password, options.domain, random_bytes=self._random_bytes)
        return Initiator(ntlm)

    async def dial(self, path: Path, bind: SessionKeys | None, *, previous: int = 0) -> Channel:
        """A channel over ``path``: of the session to ``bind``, or of a new one, which takes the place of the
        ``previous`` session if that has an id.

        OSError, TimeoutError: no way there. StatusError, ChannelLost: refused, or not encrypted as it has to be.
        """
        channel = Channel(next(self._numbers), path, self._options, self._on_change)
        steps = handshake(
            self.client_guid, self.credentials(), bind, previous=previous, random_bytes=self._random_bytes
        )
        await channel.open(self._options.port, steps)
        if self._options.encrypt and channel.established.envelope is None:
            channel.abort(ChannelLost("the server does not encrypt"))
            raise ChannelLost("the server does not encrypt")
        return channel
