"""The channels of a session, and which session it is: what happens when they come and go.

Owns identity, channels, ChannelSequence (MS-SMB2 3.2.7.1). Must not know which channels there should be (``keeper``
adds and drops them) nor what is asked over them: that is ``session``, which this is the lower half of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.client.channel import Channel, ChannelState
from server.client.errors import ChannelLost, SessionLost
from server.client.events import Field, Observer
from server.client.exchange import Reply
from server.client.handshake import Established, SessionKeys
from server.client.policy import Path
from server.client.replay import Batch, LostWithRequests
from server.wire.negotiate import Capabilities
from server.wire.session_setup import SessionFlags


class Channels:
    """Begun by the first channel, which logged in. ``tell`` reports events to the observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._room = asyncio.Event()
        self._established: Established | None = None
        self.channels: list[Channel] = []
        self.channel_sequence = 0
        self._encrypt = False
        self._former: list[Channel] = []
        self._losses: list[tuple[Path, bool]] = []
        self.lost: str | None = None
        """Why the session is no more, for good; None while it lives."""
        self.forsaken: str | None = None
        """Why the server has it no more, while a new one is looked for."""
        self.is_whole = True
        """Whether what stood on the server's side of a former session stands in this one."""
        self.on_break: Callable[[Channel, Reply], None] = lambda _channel, _reply: None
        """Told of what the server says unasked."""
        self.attention = asyncio.Event()
        """Set when a channel's state changed, for the keeper."""

    def tell(self, kind: str, /, **fields: Field) -> None:
        self._observer(kind, fields)

    # -- identity

    @property
    def terms(self) -> Established:
        """What the first channel agreed with the server: id, dialect, sizes."""
        if self._established is None:
            raise SessionLost("not logged in")
        return self._established

    @property
    def name(self) -> str:
        """The session id as people see it."""
        return f"0x{self.terms.session_id:x}"

    @property
    def keys(self) -> SessionKeys:
        return SessionKeys(self.terms.session_id, self.terms.signer, self.terms.envelope)

    def check(self) -> None:
        """SessionLost: the session is no more."""
        if self.lost is not None:
            raise SessionLost(self.lost)

    @property
    def leasing(self) -> bool:
        return bool(self.terms.capabilities & Capabilities.LEASING)

    # -- channels

    def in_state(self, *states: ChannelState) -> list[Channel]:
        return [channel for channel in self.channels if channel.state in states]

    def begin(self, channel: Channel, user: str, *, encrypt: bool = False) -> None:
        """The first channel logged in: the session is what it agreed. All of it is encrypted if the server demands
        that, or ``encrypt``.
        """
        self._established = terms = channel.established
        self.forsaken = None
        self._encrypt = encrypt or bool(terms.flags & SessionFlags.ENCRYPT_DATA)
        self.tell(
            "session-opened",
            session_id=self.name,
            dialect=".".join(f"{terms.dialect:03x}"),
            signing=terms.signer.algorithm.name,
            cipher=terms.envelope.cipher.name if terms.envelope and self._encrypt else "NONE",
            user=user,
        )
        self.add(channel)

    def forsake(self, reason: str) -> None:
        """The server has the session no more. What is under way waits for ``begin`` of another one, and for
        ``whole``, unless somebody calls it the ``end``.
        """
        if self.lost is not None or self.forsaken is not None:
            return
        self.forsaken, self.is_whole = reason, False
        for channel in list(self.channels):
            self.drop(channel, reason)
        self.attention.set()

    def whole(self) -> None:
        """All that stood on the server's side of a former session is there again: requests may go on."""
        self.is_whole = True
        self._room.set()

    def add(self, channel: Channel) -> None:
        """A channel is bound to the session, or logged in. ChannelLost: it is closed again already."""
        if channel.state is ChannelState.CLOSED:
            raise ChannelLost(channel.reason)  # It closed between its handshake and now.
        self.channels.append(channel)
        path = channel.path
        self.tell(
            "channel-opened",
            channel=channel.number,
            session_id=self.name,
            local=channel.local,
            remote=channel.remote,
            interface=path.interface,
            ifindex=path.ifindex,
            speed=path.speed,
            bound=channel.established is not self._established,
        )
        self.changed(channel)

    def changed(self, channel: Channel) -> None:
        """Something about ``channel`` may let a waiting request go: credits, an answer, its state."""
        for reply in channel.unsolicited():
            self.on_break(channel, reply)
        if channel.state is ChannelState.CLOSED and channel in self.channels:
            self._losses.append((channel.path, True))
            self.drop(channel, channel.reason)
        if channel.state is not ChannelState.LIVE or not channel.outstanding:
            self.attention.set()
        self._room.set()

    def drop(self, channel: Channel, reason: str) -> None:
        """A channel is lost: what was under way on it goes over another one (3.2.7.1)."""
        self._leave(channel)
        self.channel_sequence = (self.channel_sequence + 1) & 0xFFFF
        outstanding = channel.awaited
        self.tell(
            "channel-lost",
            channel=channel.number,
            session_id=self.name,
            remote=channel.remote,
            reason=reason,
            outstanding=outstanding,
            channel_sequence=self.channel_sequence,
        )
        channel.abort(
            LostWithRequests(reason, Batch(channel.number, outstanding, self.channel_sequence, self.tell))
        )
        self.attention.set()
        self._room.set()

    def take_losses(self) -> list[tuple[Path, bool]]:
        """(path, whether the peer ended it) of each channel that fell silent or was lost meanwhile."""
        losses, self._losses = self._losses, []
        return losses

    def silence(self, channel: Channel, reason: str, unacked: int) -> None:
        """No bytes get across on it: it carries nothing new, and is dropped as soon as another one works."""
        channel.state, channel.reason = ChannelState.SILENT, reason
        self._losses.append((channel.path, False))
        self.tell(
            "channel-silent",
            channel=channel.number,
            session_id=self.name,
            remote=channel.remote,
            reason=reason,
            unacked=unacked,
            outstanding=channel.awaited,
        )
        self.attention.set()

    def revive(self, channel: Channel) -> None:
        """Bytes get across again: what was under way on it is still under way."""
        channel.state, channel.reason = ChannelState.LIVE, ""
        self.tell("channel-alive", channel=channel.number, session_id=self.name, remote=channel.remote)
        self.attention.set()
        self._room.set()

    def retire(self, channel: Channel, reason: str) -> None:
        """Close a channel that owes no answer any more."""
        self._leave(channel)
        channel.close(reason)
        self.tell(
            "channel-closed",
            channel=channel.number,
            session_id=self.name,
            remote=channel.remote,
            reason=reason,
        )

    def end(self, reason: str) -> None:
        """The session is no more: everything under way fails with SessionLost."""
        if self.lost is not None:
            return
        self.lost = f"session {self.name}: {reason}"
        self.tell("session-lost", session_id=self.name, reason=reason)
        for channel in list(self.channels):
            self.drop(channel, reason)
        self._room.set()
        self.attention.set()

    def close(self, reason: str) -> None:
        """Close all channels, without a word to the server."""
        if self.lost is None:
            self.lost = reason
        for channel in list(self.channels):
            self._leave(channel)
            channel.abort(ChannelLost(reason))
        self._room.set()
        self.attention.set()

    async def wait_closed(self) -> None:
        """Until the sockets of all channels that there were are closed."""
        await asyncio.gather(*(channel.wait_closed() for channel in self._former))

    def _leave(self, channel: Channel) -> None:
        self.channels.remove(channel)
        self._former = [one for one in self._former if not one.gone] + [channel]
