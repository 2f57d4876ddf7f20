"""What both ends say of their interfaces, kept up to date.

Owns the two lists: ours from the kernel, the server's by FSCTL_QUERY_NETWORK_INTERFACE_INFO. Must not know
channels. ``keeper`` reads it; ``poll`` runs as long as the session.
"""

from __future__ import annotations

import asyncio
import contextlib

from server.client import policy
from server.client.errors import ClientError, SessionLost
from server.client.holdings import Holdings
from server.client.local import LocalAddress, LocalInterfaces
from server.client.options import Options
from server.client.policy import Address, Path
from server.client.request import Request, TreeId
from server.client.session import Session
from server.wire.errors import WireError
from server.wire.header import Command
from server.wire.ioctl import (
    ControlCode,
    IoctlRequest,
    IoctlResponse,
    NetworkInterface,
    decode_interfaces,
)

_LOCAL_EVERY = 0.5
_MOST = 65536


class Surroundings:
    """``local`` and ``remote`` as last heard; ``known`` are paths that once worked, listed or not."""

    def __init__(
        self, session: Session, holdings: Holdings, options: Options, interfaces: LocalInterfaces
    ) -> None:
        self._session = session
        self._holdings = holdings
        self._options = options
        self._interfaces = interfaces
        self._ipc: TreeId | None = None
        self._asked = asyncio.Event()
        self._local_at: float | None = None
        self._fresh: set[str | Address] = set()
        self.local: tuple[LocalAddress, ...] = ()
        self.remote: tuple[NetworkInterface, ...] = ()
        self.known: list[Path] = []

    def paths(self) -> list[Path]:
        """What the lists say, the best first, then what once worked (a server may list less than it has)."""
        in_use = {channel.path.remote for channel in self._session.channels}
        in_use |= {path.remote for path in self.known}
        listed = policy.candidates(self.local, self.remote, in_use)
        seen = {path.remote for path in listed}
        return listed + [path for path in self.known if path.remote not in seen]

    def cable_out(self, path: Path) -> bool:
        """Whether the path begins at an interface of ours that has no link now."""
        own = [entry for entry in self.local if entry.interface == path.interface]
        return bool(own) and not any(entry.up for entry in own)

    def look(self, now: float) -> None:
        """Read the local list again, if it was not just read. ``now`` in seconds."""
        if self._local_at is not None and now - self._local_at < _LOCAL_EVERY:
            return
        before = {(entry.interface, entry.address) for entry in self.local if entry.up}
        with contextlib.suppress(OSError):
            self.local = self._interfaces.snapshot()
        if self._local_at is not None:
            self._fresh |= {
                entry.interface
                for entry in self.local
                if entry.up and (entry.interface, entry.address) not in before
            }
        self._local_at = now

    def take_news(self) -> set[str | Address]:
        """Local interfaces and remote addresses that came (back) since the last call."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def refresh(self) -> None:
        """Ask the server again soon, not only when the interval is over."""
        self._asked.set()

    async def poll(self) -> None:
        """Ask the server for its list, now and then, until cancelled or the session is lost."""
        while self._session.lost is None:
            self._asked.clear()
            try:
                await self.query()
            except SessionLost:
                return
            except (ClientError, WireError):
                pass  # It has none, or none for us: what is known must do.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.poll_interval):
                    await self._asked.wait()

    async def query(self) -> tuple[NetworkInterface, ...]:
        """The server's list as of now. StatusError: it has none."""
        if self._ipc is None:
            self._ipc = await self._holdings.connect("IPC$")
        body = IoctlRequest(ControlCode.QUERY_NETWORK_INTERFACE_INFO, max_output=_MOST).encode()
        reply = await self._session.ask(
            Request(Command.IOCTL, lambda: [body], self._ipc, payload=_MOST)  # It changes nothing: no REPLAY.
        )
        self._replace(decode_interfaces(IoctlResponse.decode(reply.body).data))
        return self.remote

    def _replace(self, entries: tuple[NetworkInterface, ...]) -> None:
        if entries == self.remote:
            return
        before, after = ({entry.address for entry in some} for some in (self.remote, entries))
        first, self.remote = not self.remote, entries
        appeared = sorted(map(str, after - before))
        vanished = sorted(map(str, before - after))
        self._fresh |= after - before
        if not first and (appeared or vanished):
            self._session.tell("interfaces-changed", appeared=appeared, vanished=vanished)
        self._session.attention.set()
