"""The verbs of the actor ``smb-client`` on opens that the story names: open, read, write, lock, unlock, flush, close.

Owns the names. Must not know how channels are kept. Called by ``client``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from server.actor.content import content, size_of
from server.actor.protocol import ActorError, Progress
from server.client.cached import CachedFile
from server.client.client import Client
from server.client.errors import StatusError
from server.client.files import OpenFile
from server.client.lease import Caching
from server.client.request import Repeat
from server.wire.create import (
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    CreateAction,
    Disposition,
)
from server.wire.status import NTSTATUS

Args = Mapping[str, Any]
Result = Mapping[str, Any]

DISPOSITIONS = {
    "open": Disposition.OPEN,
    "create": Disposition.CREATE,
    "open-or-create": Disposition.OPEN_IF,
    "overwrite": Disposition.OVERWRITE_IF,
}
ACCESS = {"read": FILE_GENERIC_READ, "write": FILE_GENERIC_READ | FILE_GENERIC_WRITE}


class Handles:
    """``connected`` gives the client, ``share`` the one that paths are in."""

    def __init__(self, connected: Callable[[], Client], share: Callable[[], str]) -> None:
        self._connected = connected
        self._share = share
        self._open: dict[str, CachedFile] = {}

    def verbs(self) -> dict[str, Any]:
        return {
            "open": self.open,
            "read": self.read,
            "write": self.write,
            "lock": self.lock,
            "unlock": self.unlock,
            "flush": self.flush,
            "close": self.close,
        }

    async def open(self, args: Args, _progress: Progress) -> Result:
        name = args["handle"]
        if name in self._open:
            raise ActorError(f"there is an open handle {name!r} already")
        file = await self._connected().open(
            self._share(),
            args["path"],
            access=ACCESS[args.get("access", "write")],
            disposition=DISPOSITIONS[args.get("disposition", "open-or-create")],
            caching=Caching.of(args.get("lease", "")),
        )
        self._open[name] = file
        return {
            "lease": file.lease.state.letters,
            "size": (await file.info()).end_of_file,
            "created": file.file.created.action == CreateAction.CREATED,
        }

    async def read(self, args: Args, _progress: Progress) -> Result:
        file = self._named(args)
        hits = file.hits
        data = await file.read(int(args.get("offset", 0)), size_of(args["size"]))
        return {**_about(data), "cached": file.hits > hits}

    async def write(self, args: Args, _progress: Progress) -> Result:
        file, offset, size = self._named(args), int(args.get("offset", 0)), size_of(args["size"])
        data = b"".join(content(int(args.get("seed", 0)), size))
        over, behind = args.get("channel"), int(args.get("behind", 0))
        hits = file.hits
        if over is None and not behind:
            await file.write(data, offset)
        else:
            await file.flush()
            await self._as_told(file.file, data, offset, over, behind)
        return {**_about(data), "cached": file.hits > hits}

    async def _as_told(self, file: OpenFile, data: bytes, offset: int, over: int | None, behind: int) -> None:
        """Over one channel, or as before the latest channels were lost; once, and the answer is what counts."""
        client = self._connected()
        channels = {channel.number: channel for channel in client.channels}
        if over is not None and over not in channels:
            raise ActorError(f"no channel {over}; there are: {', '.join(map(str, channels))}")
        request = replace(file.writing(data, offset), repeat=Repeat.NEVER)
        channel = channels[over] if over is not None else client.channels[0]
        reply = await client.session.perform(request, over=channel, behind=behind)
        if reply.status is not NTSTATUS.SUCCESS:
            raise StatusError(reply.status, "WRITE")

    async def lock(self, args: Args, _progress: Progress) -> Result:
        await self._named(args).lock(
            int(args.get("offset", 0)),
            size_of(args["size"]),
            exclusive=bool(args.get("exclusive", True)),
            wait=bool(args.get("wait", False)),
        )
        return {}

    async def unlock(self, args: Args, _progress: Progress) -> Result:
        await self._named(args).unlock(int(args.get("offset", 0)), size_of(args["size"]))
        return {}

    async def flush(self, args: Args, _progress: Progress) -> Result:
        await self._named(args).flush()
        return {}

    async def close(self, args: Args, _progress: Progress) -> Result:
        file = self._named(args)
        del self._open[args["handle"]]
        await file.close()
        return {}

    def _named(self, args: Args) -> CachedFile:
        file = self._open.get(args["handle"])
        if file is None:
            raise ActorError(
                f"no open handle {args['handle']!r}; there are: {', '.join(self._open) or 'none'}"
            )
        return file


def _about(data: bytes) -> Result:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
