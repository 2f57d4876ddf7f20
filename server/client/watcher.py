"""Looks at the channels' sockets and says which fell silent, and which came back.

Owns the looking; ``health`` owns the judgement. Must not know what happens to a silent channel. Called by
``keeper`` many times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from server.client.channel import Channel, ChannelState
from server.client.errors import ClientError
from server.client.exchange import charge_for
from server.client.health import State
from server.client.policy import Path
from server.client.request import Repeat, Request
from server.client.session import Session
from server.ports.sockets import SocketQueries
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY

_STALL = 1.0
"""Seconds by which a look may be late before it says more of this process than of the network."""


class Watcher:
    """``cable_out`` says of a path whether its own end has no link."""

    def __init__(
        self,
        session: Session,
        queries: SocketQueries,
        interval: float,
        cable_out: Callable[[Path], bool],
    ) -> None:
        self._session = session
        self._queries = queries
        self._interval = interval
        self._cable_out = cable_out
        self._echoes: dict[Channel, asyncio.Task[None]] = {}
        self._last: float | None = None

    def look(self, now: float) -> None:
        """Judge every channel as of ``now``; silence and revive them at the session."""
        stalled = self._last is not None and now - self._last > self._interval + _STALL
        self._last = now
        unacked: dict[Channel, int] = {}
        fallen: list[Channel] = []
        for channel in list(self._session.channels):
            try:
                sample = channel.sample(self._queries, now)
            except OSError:
                continue  # It is closing; the session will be told.
            unacked[channel] = sample.unacked
            if stalled:
                channel.health.forgive(now)
                continue
            others = [other for other in self._session.in_state(ChannelState.LIVE) if other is not channel]
            verdict = channel.health.judge(sample, alternative=bool(others))
            silent, reason = verdict.state is State.SILENT, verdict.reason
            if not silent and self._cable_out(channel.path):
                silent, reason = True, f"no link on {channel.path.interface}"
            if silent and channel.state is not ChannelState.SILENT:
                self._session.silence(channel, reason, sample.unacked)
                fallen.append(channel)
            elif not silent and channel.state is ChannelState.SILENT:
                self._session.revive(channel)
            elif verdict.state is State.UNSURE:
                self._ask(channel)
        for channel in fallen:
            self._doubt_others(channel, unacked, now)

    def _doubt_others(self, silent: Channel, unacked: Mapping[Channel, int], now: float) -> None:
        """What goes the same way and gave no sign lately has to prove that it is not cut off as well."""
        for channel in self._session.in_state(ChannelState.LIVE, ChannelState.DRAINING):
            if channel.path.key == silent.path.key and channel.health.shares_fate(silent.health, now):
                reason = f"as quiet as channel {silent.number}"
                channel.health.doubt(reason)
                self._session.silence(channel, reason, unacked.get(channel, 0))
                self._ask(channel)

    def _ask(self, channel: Channel) -> None:
        """An ECHO: its answer is a sign of life, its missing acknowledgement one of death."""
        if channel in self._echoes or not channel.credits >= charge_for(0):
            return
        echo = Request(Command.ECHO, lambda: [EMPTY_BODY], repeat=Repeat.NEVER)

        async def ask() -> None:
            with contextlib.suppress(ClientError):
                await self._session.perform(echo, over=channel)

        task = asyncio.create_task(ask())
        self._echoes[channel] = task
        task.add_done_callback(lambda _: self._echoes.pop(channel, None))

    async def close(self) -> None:
        tasks = list(self._echoes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
