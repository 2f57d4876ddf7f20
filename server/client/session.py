"""The session: requests that outlive the channel they were sent on, and the session itself if need be.

Owns the repeating of requests (MS-SMB2 3.2.4.1, 3.2.5.1.6, 3.2.7.1). Must not know files. Called by ``files``,
``holdings`` and whoever else asks the server for something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.client.channel import Channel
from server.client.channels import Channels
from server.client.errors import ChannelLost, StatusError
from server.client.events import Observer
from server.client.exchange import Reply, charge_for
from server.client.relogon import relogon
from server.client.replay import Batch, LostWithRequests
from server.client.request import Repeat, Request
from server.client.scheduler import Scheduler
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS

_GONE = (NTSTATUS.USER_SESSION_DELETED, NTSTATUS.NETWORK_SESSION_EXPIRED)
_FENCED_FOR = 10.0
"""Seconds for which a request is offered again that the server refuses while older ones are unfinished."""


class Session(Channels):
    """``credentials`` prove who the user is, whenever that is asked again."""

    def __init__(
        self, observer: Observer, credentials: Callable[[], Initiator], scheduling: str = "least_outstanding"
    ) -> None:
        super().__init__(observer)
        self._credentials = credentials
        self._scheduler = Scheduler(scheduling)
        self._leaving = False
        self._urgent = 0
        self._logons = 0
        self._logging_on: asyncio.Task[None] | None = None

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

    async def log_on_again(self) -> None:
        """In the same session, which has expired; if the server refuses, that is its end."""
        if self._logging_on is None:
            self._logging_on = asyncio.create_task(self._log_on_again(), name="log-on anew")
        await asyncio.shield(self._logging_on)

    async def _log_on_again(self) -> None:
        try:
            await relogon(self, self._credentials)
        finally:
            self._logons += 1
            self._logging_on = None

    async def perform(self, request: Request, *, over: Channel | None = None, behind: int = 0) -> Reply:
        """The answer to ``request``, whatever its status, through as many channels as it takes.

        ``over`` ties it to one channel. ``behind``: send it as so many losses of channels ago, to try the server.
        SessionLost: the session ended. ChannelLost: it may not be repeated and its channel was lost.
        """
        loop = asyncio.get_running_loop()
        own = over is not None or request.repeat is Repeat.NEVER
        replay, fenced_until, pause = False, 0.0, 0.01
        batch: Batch | None = None
        try:
            while True:
                channel = over or await self._with_room(request, urgent=batch is not None)
                tree, logons = request.tree, self._logons
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
                    if own:
                        raise ChannelLost(str(lost)) from None
                    replay = request.repeat is Repeat.FLAGGED
                    continue
                if (
                    reply.status in _GONE
                    and request.command is not Command.SESSION_SETUP
                    and not self._leaving
                ):
                    await self._renew(reply.status, channel, logons)
                    if own and channel not in self.channels:
                        raise ChannelLost(reply.status.label)
                    continue
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

    async def _renew(self, status: NTSTATUS, channel: Channel, logons: int) -> None:
        """A request is refused for want of a session: have it renewed, unless it has been meanwhile."""
        if status is NTSTATUS.USER_SESSION_DELETED:
            if channel in self.channels:
                self.forsake(f"the server says {status.label}")
        elif logons == self._logons:
            await self.log_on_again()
        self.check()

    async def ask(self, request: Request, *, over: Channel | None = None) -> Reply:
        """``perform``, for a request that has to succeed. StatusError: it did not."""
        reply = await self.perform(request, over=over)
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, request.command.name)
        return reply

    async def any_channel(self) -> Channel:
        """One that takes a request, though the session may not be ``is_whole``. SessionLost: it is no more."""
        while True:
            self.check()
            channel = self._scheduler.pick(self.channels, 1, 0)
            if channel is not None:
                return channel
            self._room.clear()
            await self._room.wait()

    async def _with_room(self, request: Request, *, urgent: bool) -> Channel:
        """A channel that takes the request now. What a lost channel carried goes before new data."""
        charge = charge_for(request.payload)
        self._urgent += urgent
        try:
            while True:
                self.check()
                if self.is_whole and (urgent or not self._urgent or not request.size):
                    channel = self._scheduler.pick(self.channels, charge, request.size)
                    if channel is not None:
                        return channel
                self._room.clear()
                await self._room.wait()
        finally:
            self._urgent -= urgent
            if urgent:
                self._room.set()
