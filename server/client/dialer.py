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

    async def dial(self, path: Path, bind: SessionKeys | None) -> Channel:
        """A channel over ``path``: of a new session, or of the one to ``bind``.

        OSError, TimeoutError: no way there. StatusError, ChannelLost: refused.
        """
        options = self._options
        ntlm = NtlmClient(options.user, options.password, options.domain, random_bytes=self._random_bytes)
        channel = Channel(next(self._numbers), path, options, self._on_change)
        steps = handshake(self.client_guid, Initiator(ntlm), bind, random_bytes=self._random_bytes)
        await channel.open(options.port, steps)
        return channel
