"""Keeps the session on the best paths there are: opens channels, gives up dead ones, comes back.

Owns the decisions over time. Must not know requests or files. What it decides with is elsewhere: ``watcher``
says who is silent, ``surroundings`` which paths there are, ``policy`` which are wanted, ``ledger`` which may
be tried, ``dialer`` makes the channels. Run by ``client`` as long as the session lives.

A pulled cable means silence: no reset, no error. When all channels are silent the server still has the
session, and a bind needs no word over the old channels. So those are kept open, lest the server notice their
end and with the last of them end the session, until one over another path is bound.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from ipaddress import ip_address

from server.client import policy
from server.client.channel import Channel, ChannelState, endpoint
from server.client.dialer import Dialer
from server.client.errors import ChannelLost, ClientError, StatusError
from server.client.holdings import Holdings
from server.client.ledger import Ledger
from server.client.local import LocalInterfaces
from server.client.options import Options
from server.client.policy import Address, Path
from server.client.renewal import renew
from server.client.session import Session
from server.client.surroundings import Surroundings
from server.client.watcher import Watcher
from server.ports.sockets import SocketQueries
from server.wire.status import NTSTATUS

_GONE = (NTSTATUS.USER_SESSION_DELETED, NTSTATUS.NETWORK_SESSION_EXPIRED)
_RESCUE_PAUSE = 0.25
_SETTLED_AFTER = 10.0
_GRACE = 1.0
"""Seconds for which a new channel is kept though no list speaks for its path: it brings the news itself."""


class Keeper:
    """``run`` until cancelled; ``want`` says how many channels there should be."""

    def __init__(
        self,
        session: Session,
        holdings: Holdings,
        dialer: Dialer,
        options: Options,
        interfaces: LocalInterfaces,
        queries: SocketQueries,
    ) -> None:
        self._session = session
        self._holdings = holdings
        self._dialer = dialer
        self._options = options
        self.surroundings = Surroundings(session, holdings, options, interfaces)
        self._watcher = Watcher(session, queries, options.watch_interval, self.surroundings.cable_out)
        self._ledger = Ledger()
        self._dialing: dict[asyncio.Task[None], Path] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._managed = False
        self._wanted: int | None = None
        self._satisfied = asyncio.Event()
        self._best: Address | None = None
        self._clock = asyncio.get_running_loop().time
        self._alive_at = self._clock()

    async def want(self, channels: int | None) -> None:
        """Have so many channels from now on (None: the policy's number). Returns when that is so, or when
        what is missing cannot be had for now.
        """
        self._managed, self._wanted = True, channels
        self._satisfied.clear()
        self._session.attention.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.connect_timeout + self._options.handshake_timeout):
                await self._satisfied.wait()

    def adopt(self, channel: Channel) -> None:
        """The channel that logged in is one like any other from now on."""
        self.surroundings.known.append(channel.path)
        self._best = channel.path.remote
        self._alive_at = self._clock()

    async def run(self) -> None:
        """Watch and decide; returns when the session is lost."""
        session = self._session
        try:
            while session.lost is None:
                session.attention.clear()
                now = self._clock()
                self._watcher.look(now)
                self.surroundings.look(now)
                for news in self.surroundings.take_news():
                    self._ledger.forget(lambda key, news=news: news in key)  # type: ignore[misc]
                self._decide(now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._options.watch_interval):
                        await session.attention.wait()
        finally:
            self._satisfied.set()
            tasks = [*self._dialing, *([self._renewing] if self._renewing else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._watcher.close()

    def _decide(self, now: float) -> None:
        session = self._session
        for path, forgivable in session.take_losses():
            self._ledger.failed(path, now, forgivable=forgivable)
        paths = self.surroundings.paths()
        for channel in session.channels:
            self._identify(channel, paths)
        if session.forsaken is not None:
            self._follow(paths, now)
            return
        live = session.in_state(ChannelState.LIVE, ChannelState.DRAINING)
        if not live:
            self._rescue(paths, now)
            return
        self._alive_at = now
        for channel in session.in_state(ChannelState.SILENT):
            session.drop(channel, channel.reason)
        for channel in live:
            if now - channel.opened_at > _SETTLED_AFTER:
                self._ledger.settled(channel.path)
        if self._managed:
            self._follow_plan(paths, now)
        for channel in session.in_state(ChannelState.DRAINING):
            if channel.outstanding == 0:
                session.retire(channel, "a better path carries the session")

    def _identify(self, channel: Channel, paths: list[Path]) -> None:
        """Which of the paths a channel took that was opened before the lists were known."""
        if channel.path.ifindex:
            return
        own = ip_address(channel.local.rpartition(":")[0].strip("[]"))
        own_interface = next((e.interface for e in self.surroundings.local if e.address == own), None)
        there = [path for path in paths if path.ifindex and path.remote == channel.path.remote]
        there.sort(key=lambda path: path.interface != own_interface)
        if there:
            channel.path = replace(there[0], local=channel.path.local)

    def _follow(self, paths: list[Path], now: float) -> None:
        """The server has the session no more: have another one follow it."""
        session = self._session
        if not self._options.reconnect:
            session.end(str(session.forsaken))
        elif now - self._alive_at > self._options.reconnect_timeout:
            session.end(f"{session.forsaken}; no way to a new one for {self._options.reconnect_timeout:g} s")
        elif self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(paths), name="renewal of the session")

    async def _renew(self, paths: list[Path]) -> None:
        try:
            channel = await renew(self._session, self._holdings, self._dialer, self._options, paths)
            if channel is None:
                await asyncio.sleep(_RESCUE_PAUSE)
            else:
                self._ledger.works(channel.path)
                self.surroundings.refresh()
        finally:
            self._renewing = None
            self._session.attention.set()

    def _rescue(self, paths: list[Path], now: float) -> None:
        """No channel works: knock at every door at once; the first that opens carries on."""
        if now - self._alive_at > self._options.reconnect_timeout:
            self._session.end(f"no way to the server for {self._options.reconnect_timeout:g} s")
            return
        for path in paths:
            if path not in self._dialing.values():
                self._dial(path, pause=_RESCUE_PAUSE)

    def _follow_plan(self, paths: list[Path], now: float) -> None:
        session = self._session
        chosen = policy.plan(
            self._options.policy, paths, lambda path: self._ledger.usable(path, now), self._wanted
        )
        missing, complete = False, bool(chosen)
        for path, count in chosen.items():
            there = [channel for channel in session.channels if channel.path.key == path.key]
            for channel in there[:count]:
                channel.state = ChannelState.LIVE
            for channel in there[count:]:
                channel.state = ChannelState.DRAINING
            complete = complete and bool(there)
            if len(there) < count and self._ledger.room(path, now):
                missing = True
                under_way = sum(other.key == path.key for other in self._dialing.values())
                for _ in range(count - len(there) - under_way):
                    self._dial(path)
        if complete:
            keys = {path.key for path in chosen}
            for channel in session.channels:
                if channel.path.key not in keys and now - channel.opened_at > _GRACE:
                    channel.state = ChannelState.DRAINING
            self._note_best(next(iter(chosen)), paths, now)
        if not missing:
            self._satisfied.set()

    def _note_best(self, path: Path, paths: list[Path], now: float) -> None:
        if path.remote == self._best:
            return
        former, self._best = self._best, path.remote
        works = any(other.remote == former and self._ledger.usable(other, now) for other in paths)
        self._session.tell(
            "path-changed",
            **{"from": str(former)},
            to=str(path.remote),
            speed=path.speed,
            reason="it is better" if works else "the former one does not work",
        )

    def _dial(self, path: Path, *, pause: float = 0.0) -> None:
        task = asyncio.create_task(self._dial_one(path, pause))
        self._dialing[task] = path

        def done(task: asyncio.Task[None]) -> None:
            self._dialing.pop(task, None)
            self._session.attention.set()

        task.add_done_callback(done)

    async def _dial_one(self, path: Path, pause: float) -> None:
        session, keys = self._session, self._session.keys
        try:
            channel = await self._dialer.dial(path, keys)
            if session.forsaken is not None or keys.session_id != session.terms.session_id:
                channel.abort(ChannelLost("its session is no more"))
                return
            session.add(channel)
        except (OSError, ClientError) as error:
            if session.forsaken is None and keys.session_id == session.terms.session_id:
                self._note_failure(path, error)
            # Nothing tells when the way is free again; the pause keeps refusals from being a busy loop.
            await asyncio.sleep(pause)
            return
        self._ledger.works(path)
        if all(path.key != other.key for other in self.surroundings.known):
            self.surroundings.known.append(path)
        self.surroundings.refresh()

    def _note_failure(self, path: Path, error: OSError | ClientError) -> None:
        session = self._session
        if session.lost is not None:
            return
        session.tell(
            "channel-failed",
            remote=endpoint(str(path.remote), self._options.port),
            ifindex=path.ifindex,
            reason=str(error) or "no answer in time",
        )
        if any(channel.path.key == path.key for channel in session.in_state(ChannelState.LIVE)):
            self._ledger.full(path, self._clock())
        else:
            self._ledger.failed(path, self._clock())
        gone = isinstance(error, StatusError) and error.status in _GONE
        if gone and not session.in_state(ChannelState.LIVE, ChannelState.DRAINING):
            session.forsake("the server ended it with its last channel")
