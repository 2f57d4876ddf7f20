"""The actor ``smb-client``: our multichannel client, driven verb by verb. ``python -m server.actor.client``

Owns the translation between verbs and ``server.client``. Must not know networks or scenarios.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from server.actor.content import content, size_of
from server.actor.handles import Handles
from server.actor.protocol import ActorChannel, ActorError, Progress
from server.client.channel import Channel
from server.client.client import Client
from server.client.events import Field
from server.client.local import LocalInterfaces
from server.client.options import Options

_EVENTS_EVERY = 0.25
_PROGRESS_EVERY = 0.05
_OPTIONS = {field.name for field in fields(Options)}
_DEFAULTS: Mapping[str, Any] = {"channels": 2, "poll_interval": 1.0}
"""A scenario is watched by people: it asks for interfaces more often than a client on its own would."""

Args = Mapping[str, Any]
Result = Mapping[str, Any]


class ClientActor:
    """One client, made by ``start``. ``interfaces``: where it asks for its host's; None: the kernel."""

    def __init__(self, channel: ActorChannel, interfaces: LocalInterfaces | None = None) -> None:
        self._channel = channel
        self._interfaces = interfaces
        self._client: Client | None = None
        self._share = ""
        self._handles = Handles(lambda: self._connected, lambda: self._share)

    def verbs(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "login": self.login,
            "interfaces": self.interfaces,
            "connect": self.connect,
            "put": self.put,
            "get": self.get,
            "ls": self.ls,
            "channels": self.channels,
            **self._handles.verbs(),
            "logoff": self.logoff,
        }

    async def start(self, args: Args, _progress: Progress) -> Result:
        chosen = {**_DEFAULTS, **args}
        self._share = chosen.pop("share", "data")
        unknown = chosen.keys() - _OPTIONS
        if unknown:
            raise ActorError(f"smb-client does not know {', '.join(sorted(unknown))}")
        for name in ("chunk", "window"):
            if name in chosen:
                chosen[name] = size_of(chosen[name])
        chosen["channels"] = chosen["channels"] or None
        self._client = Client(Options(**chosen), observer=self._event, interfaces=self._interfaces)
        return {}

    async def login(self, _args: Args, _progress: Progress) -> Result:
        terms = await self._connected.login()
        return {
            "session_id": f"0x{terms.session_id:x}",
            "dialect": ".".join(f"{terms.dialect:03x}"),
            "channels": len(self._connected.channels),
        }

    async def interfaces(self, _args: Args, _progress: Progress) -> Result:
        found: dict[int, dict[str, Any]] = {}
        for entry in await self._connected.interfaces():
            interface = found.setdefault(
                entry.index,
                {
                    "ifindex": entry.index,
                    "speed": entry.link_speed,
                    "rss": bool(entry.capability & 1),
                    "addresses": [],
                },
            )
            interface["addresses"].append(str(entry.address))
        return {"interfaces": list(found.values())}

    async def connect(self, args: Args, _progress: Progress) -> Result:
        return _listed(await self._connected.connect_channels(args.get("channels") or None))

    async def channels(self, _args: Args, _progress: Progress) -> Result:
        return _listed(self._connected.channels)

    async def put(self, args: Args, progress: Progress) -> Result:
        client, path = self._connected, args["path"]
        size = size_of(args["size"])
        chunk = size_of(args.get("chunk", client.options.chunk))
        source = content(int(args.get("seed", 0)), size, chunk)
        copied = await client.put(self._share, path, source, size, self._watched(path, progress))
        return {"bytes": copied.bytes, "sha256": copied.sha256, "seconds": round(copied.seconds, 3)}

    async def get(self, args: Args, progress: Progress) -> Result:
        path = args["path"]
        copied = await self._connected.get(self._share, path, len, self._watched(path, progress))
        return {"bytes": copied.bytes, "sha256": copied.sha256, "seconds": round(copied.seconds, 3)}

    async def ls(self, args: Args, _progress: Progress) -> Result:
        entries = await self._connected.listdir(self._share, args.get("path", ""))
        return {"files": {e.name: {"size": e.size, "directory": e.directory} for e in entries}}

    async def logoff(self, _args: Args, _progress: Progress) -> Result:
        await self._connected.logoff()
        return {}

    async def end(self) -> None:
        """The runner is gone: no farewell to the server, whose network may be gone as well."""
        if self._client is not None:
            await self._client.close()

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise ActorError("not started")
        return self._client

    def _event(self, kind: str, about: Mapping[str, Field]) -> None:
        self._channel.emit(kind, **about)

    def _watched(self, path: str, progress: Progress) -> Progress:
        """Progress for the runner often enough to act on a share of it; events as people can read them."""
        clock = asyncio.get_running_loop().time
        told = reported = clock()

        def watch(done: int, total: int) -> None:
            nonlocal told, reported
            now = clock()
            if now - reported >= _PROGRESS_EVERY or done == total:
                reported = now
                progress(done, total)
            if now - told >= _EVENTS_EVERY:
                told = now
                self._channel.emit("transfer", path=path, bytes=done)

        return watch


def _listed(channels: list[Channel]) -> Result:
    return {
        "channels": [
            {
                "id": channel.number,
                "local": channel.local,
                "remote": channel.remote,
                "interface": channel.path.interface,
                "ifindex": channel.path.ifindex,
                "state": channel.state.value,
            }
            for channel in channels
        ]
    }


async def serve() -> None:
    channel = await ActorChannel.open("smb-client")
    actor = ClientActor(channel)
    await channel.serve(actor.verbs(), actor.end)


def main() -> int:
    try:
        asyncio.run(serve())
    except ActorError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
