"""The session: requests that outlive the channel they were sent on.

Owns the session's identity, its channels and ChannelSequence, and the repeating of requests (MS-SMB2 3.2.4.1,
3.2.7.1). Must not know which channels there should be: ``keeper`` adds and drops them. Called by ``files``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.client.channel import Channel, ChannelState
from server.client.errors import ChannelLost, SessionLost, StatusError
from server.client.events import Field, Observer
from server.client.exchange import Reply, charge_for
from server.client.handshake import Established, SessionKeys
from server.client.policy import Path
from server.client.replay import Batch, LostWithRequests
from server.client.request import Repeat, Request
from server.client.scheduler import Scheduler
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.session_setup import SessionFlags
from server.wire.status import NTSTATUS

_GONE = (NTSTATUS.USER_SESSION_DELETED, NTSTATUS.NETWORK_SESSION_EXPIRED)
_FENCED_FOR = 10.0
"""Seconds for which a request is offered again that the server refuses while older ones are unfinished."""


class Session:
    """Made by the first channel, which logged in. ``tell`` reports events to the observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._scheduler = Scheduler()
        self._room = asyncio.Event()
        self._established: Established | None = None
        self.channels: list[Channel] = []
        self.channel_sequence = 0
        self._encrypt = False
        self._former: list[Channel] = []
        self._losses: list[tuple[Path, bool]] = []
        self.lost: str | None = None
        """Why the session is no more; None while it lives."""
        self._leaving = False
        self._urgent = 0
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

    # -- channels

    def in_state(self, *states: ChannelState) -> list[Channel]:
        return [channel for channel in self.channels if channel.state in states]

    def begin(self, channel: Channel, user: str, *, encrypt: bool = False) -> None:
        """The first channel logged in: the session is what it agreed. All of it is encrypted if the server demands
        that, or ``encrypt``.
        """
        self._established = terms = channel.established
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

    async def logoff(self) -> None:
        """End the session on the server. ClientError: it does not answer, or refuses."""
        self._leaving = True
        try:
            await self.ask(Request(Command.LOGOFF, lambda: [EMPTY_BODY]))
        except StatusError as error:
            if error.status not in _GONE:  # A repeated one, whose first answer was lost.
                raise
        self.tell("session-closed", session_id=self.name)
        self.close("logged off")

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

    # -- requests

    async def perform(self, request: Request, *, over: Channel | None = None, behind: int = 0) -> Reply:
        """The answer to ``request``, whatever its status, through as many channels as it takes.

        ``over`` ties it to one channel. ``behind``: send it as so many losses of channels ago, to try the server.
        SessionLost: the session ended. ChannelLost: it may not be repeated and its channel was lost.
        """
        loop = asyncio.get_running_loop()
        replay, fenced_until, pause = False, 0.0, 0.01
        batch: Batch | None = None
        try:
            while True:
                channel = over or await self._with_room(request, urgent=batch is not None)
                tree = request.tree
                answer = channel.send(
                    request.command,
                    request.body(),
                    tree_id=tree.number if tree else 0,
                    charge=charge_for(request.payload),
                    size=request.size,
                    channel_sequence=(self.channel_sequence - behind) & 0xFFFF,
                    replay=replay,
                    encrypt=self._encrypt or (tree is not None and tree.encrypted),
                )
                if batch is not None:
                    batch.settle(channel.number)
                    batch = None
                try:
                    reply = await answer
                except ChannelLost as lost:
                    batch = lost.batch if isinstance(lost, LostWithRequests) else None
                    self.check()
                    if over is not None or request.repeat is Repeat.NEVER:
                        raise ChannelLost(str(lost)) from None
                    replay = request.repeat is Repeat.FLAGGED
                    continue
                if reply.status in _GONE and not self._leaving:
                    self.end(f"the server says {reply.status.label}")
                    self.check()
                if reply.status is not NTSTATUS.FILE_NOT_AVAILABLE or request.repeat is not Repeat.FLAGGED:
                    return reply
                # Older requests for this file, of a lost channel, are still being worked on. Nothing tells
                # when they are done: ask again, ever more slowly (3.2.5.1.2).
                fenced_until = fenced_until or loop.time() + _FENCED_FOR
                if loop.time() > fenced_until:
                    return reply
                replay = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, 0.5)
        finally:
            if batch is not None:
                batch.settle(None)

    async def ask(self, request: Request) -> Reply:
        """``perform``, for a request that has to succeed. StatusError: it did not."""
        reply = await self.perform(request)
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, request.command.name)
        return reply

    async def _with_room(self, request: Request, *, urgent: bool) -> Channel:
        """A channel that takes the request now. What a lost channel carried goes before new data."""
        charge = charge_for(request.payload)
        self._urgent += urgent
        try:
            while True:
                self.check()
                if urgent or not self._urgent or not request.size:
                    channel = self._scheduler.pick(self.channels, charge, request.size)
                    if channel is not None:
                        return channel
                self._room.clear()
                await self._room.wait()
        finally:
            self._urgent -= urgent
            if urgent:
                self._room.set()
