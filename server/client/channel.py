"""One channel: a TCP connection that is bound to the session, and the answers that are awaited on it.

Owns the link, the exchange on it and the futures of its requests. Must not know other channels: what becomes
of a request whose channel is lost is ``session``'s affair. ``Channel.open`` is called by ``dialer``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum

from server.client.errors import ChannelLost
from server.client.exchange import Exchange, Reply
from server.client.handshake import Established, Handshake
from server.client.health import Health, Sample
from server.client.link import Link
from server.client.options import Options
from server.client.policy import Path
from server.ports.sockets import SocketQueries
from server.wire.buffers import Buffer
from server.wire.errors import WireError
from server.wire.framing import prefix
from server.wire.header import Command, Header
from server.wire.status import NTSTATUS


class ChannelState(Enum):
    LIVE = "live"
    SILENT = "silent"
    """No bytes get across; kept while no other channel carries the session, lest the server end it."""
    DRAINING = "draining"
    """Takes no new requests, and is closed when it owes no answer."""
    CLOSED = "closed"


class Channel:
    """``number`` names it to people. ``on_change`` is called when answers came and when it closed."""

    def __init__(
        self, number: int, path: Path, options: Options, on_change: Callable[[Channel], None]
    ) -> None:
        self.number = number
        self.path = path
        self.state = ChannelState.LIVE
        self.reason = ""
        self.local = self.remote = ""
        self._options = options
        self._on_change = on_change
        self._link: Link | None = None
        self._exchange: Exchange | None = None
        self._established: Established | None = None
        self._said: asyncio.Future[bytes | bytearray] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._health = Health(0.0)
        self.opened_at = 0.0
        self._window = min(2 * options.chunk, options.window)

    async def open(self, port: int, steps: Handshake) -> None:
        """Connect and shake hands. TimeoutError, OSError: no way there. ChannelLost, StatusError: refused."""
        options = self._options
        loop = asyncio.get_running_loop()
        local = str(self.path.local) if self.path.local else None
        async with asyncio.timeout(options.connect_timeout):
            link = await Link.connect(str(self.path.remote), port, self._on_pdu, self._on_closed, local=local)
        self._link = link
        try:
            self.local, self.remote = (
                endpoint(*name()[:2]) for name in (link.socket.getsockname, link.socket.getpeername)
            )
            async with asyncio.timeout(options.handshake_timeout):
                established = await self._shake_hands(link, steps)
        except BaseException as error:
            link.abort(str(error) or "the handshake failed")
            if isinstance(error, WireError):
                raise ChannelLost(str(error)) from error
            raise
        self._established = established
        self._exchange = Exchange(
            established.session_id,
            established.signer,
            established.credits,
            established.next_message_id,
            established.envelope,
        )
        self.opened_at = loop.time()
        self._health = Health(
            self.opened_at,
            options.unacked_rto_multiple,
            options.ask_after,
            options.answer_timeout,
            options.echo_interval,
        )

    async def _shake_hands(self, link: Link, steps: Handshake) -> Established:
        loop = asyncio.get_running_loop()
        message = next(steps)
        while True:
            self._said = loop.create_future()
            link.send([prefix(len(message)) + message])
            answer = bytes(await self._said)
            while Header.decode(answer).status == NTSTATUS.PENDING:
                self._said = loop.create_future()
                answer = bytes(await self._said)
            try:
                message = steps.send(answer)
            except StopIteration as done:
                result: Established = done.value
                return result

    @property
    def established(self) -> Established:
        if self._established is None:
            raise ChannelLost("the channel is not open yet")
        return self._established

    @property
    def outstanding(self) -> int:
        """Requests without an answer."""
        return len(self._waiting)

    @property
    def awaited(self) -> int:
        """Those of them that somebody still waits for."""
        return sum(not future.done() for future in self._waiting.values())

    @property
    def outstanding_bytes(self) -> int:
        return self._exchange.outstanding_bytes if self._exchange else 0

    @property
    def credits(self) -> int:
        return self._exchange.credits if self._exchange else 0

    def room_for(self, charge: int, size: int) -> bool:
        """Whether a request of ``charge`` credits and ``size`` bytes may be sent now."""
        if self.state is not ChannelState.LIVE or self._exchange is None or self._exchange.credits < charge:
            return False
        under_way = self._exchange.outstanding_bytes
        return size == 0 or under_way == 0 or under_way + size <= self._window

    def send(
        self,
        command: Command,
        body: Sequence[Buffer],
        *,
        tree_id: int,
        charge: int,
        size: int,
        channel_sequence: int,
        replay: bool,
        encrypt: bool,
    ) -> asyncio.Future[Reply]:
        """Send a request; the future gets its answer, or ChannelLost."""
        if self.state is ChannelState.CLOSED or self._exchange is None or self._link is None:
            raise ChannelLost(self.reason or "closed")
        loop = asyncio.get_running_loop()
        message_id, parts = self._exchange.begin(
            command,
            body,
            now=loop.time(),
            tree_id=tree_id,
            charge=charge,
            size=size,
            channel_sequence=channel_sequence,
            replay=replay,
            encrypt=encrypt,
        )
        future: asyncio.Future[Reply] = loop.create_future()
        self._waiting[message_id] = future
        self._link.send(parts)
        return future

    def unsolicited(self) -> list[Reply]:
        """What the server has said unasked since this was last called."""
        if self._exchange is None or not self._exchange.unsolicited:
            return []
        said, self._exchange.unsolicited = self._exchange.unsolicited, []
        return said

    def sample(self, queries: SocketQueries, now: float) -> Sample:
        """What the socket says now. OSError: it is closed."""
        if self._link is None or self._exchange is None:
            raise OSError("not connected")
        queue = queries.delivery(self._link.socket)
        backlog = self._link.given - self._link.passed_on
        return Sample(
            now=now,
            acked=self._link.passed_on - queue.unacked,
            unacked=queue.unacked + backlog,
            rto=queue.rto,
            heard=self._link.heard,
            owed_since=self._exchange.oldest,
        )

    @property
    def health(self) -> Health:
        return self._health

    def close(self, reason: str) -> None:
        """End it after what is queued has gone out; nothing may be outstanding."""
        self._end(reason)
        if self._link is not None:
            self._link.close(reason)

    def abort(self, error: ChannelLost) -> None:
        """End it now; whoever awaits an answer gets ``error``."""
        waiting, self._waiting = self._waiting, {}
        self._end(str(error))
        if self._link is not None:
            self._link.abort(str(error))
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)

    @property
    def gone(self) -> bool:
        """Whether its socket is closed, or never was."""
        return self._link is None or self._link.done.is_set()

    async def wait_closed(self) -> None:
        if self._link is not None:
            await self._link.done.wait()

    def _end(self, reason: str) -> None:
        self.state, self.reason = ChannelState.CLOSED, self.reason or reason

    def _on_pdu(self, pdu: bytes | bytearray) -> None:
        if self._exchange is None:
            if self._said is None or self._said.done():
                raise WireError("the server speaks out of turn")
            self._said.set_result(pdu)
            return
        try:
            settled = self._exchange.receive(pdu)
        except (ChannelLost, WireError) as error:
            # Not to be trusted any further. Closing tells on_closed, and that whoever waits.
            if self._link is not None:
                self._link.abort(str(error))
            return
        for message_id, reply, pending in settled:
            if pending.size:
                self._adapt(asyncio.get_running_loop().time() - pending.since)
            future = self._waiting.pop(message_id, None)
            if future is not None and not future.done():
                future.set_result(reply)
        self._on_change(self)

    def _adapt(self, seconds: float) -> None:
        """An answer took so long: have as much under way as the path carries in that time, not more.

        What waits in a slow path's queues is lost with it, and delays the requests that cannot wait.
        """
        options = self._options
        if seconds > options.queue_time:
            self._window = max(self._window - options.chunk // 2, options.chunk)
        elif seconds < options.queue_time / 2:
            self._window = min(self._window + options.chunk // 2, options.window)

    def _on_closed(self, reason: str) -> None:
        self.reason = self.reason or reason
        if self._said is not None and not self._said.done():
            self._said.set_exception(ChannelLost(reason))
        if self._exchange is not None and self.state is not ChannelState.CLOSED:
            self.state = ChannelState.CLOSED
            self._on_change(self)


def endpoint(host: str, port: int) -> str:
    """As people write it: 10.0.1.1:445, [fd00::1]:445."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
