"""Load whose every acknowledged write can be looked for: a client that writes numbered blocks and tells which are acknowledged.

`python -m selftest.support.smb_load SERVER NAME BLOCKS [CHANNELS]` writes the file NAME of the share `data`, several
blocks at a time, and prints `acked N` for each, `done` at the end. Whatever is lost on the way, it logs on and opens
anew, and goes on with what was not acknowledged; what was is not written again. Each line of its input is the number of
blocks that it may write so far; at the end of the input, or without any, all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from server.client.client import Client
from server.client.errors import ClientError, SessionLost
from server.client.files import OpenFile
from server.client.lease import Caching
from server.client.options import Options
from server.wire.create import FILE_GENERIC_READ, FILE_GENERIC_WRITE, Disposition, ShareAccess

SIZE = 16 * 1024
_AT_ONCE = 8
_ALL = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
_PAUSE = 0.05
"""Between two tries where nobody is there to tell when the server is back."""


def block(name: str, number: int) -> bytes:
    """What the file of that name has at `number` × SIZE."""
    return hashlib.shake_128(f"{name} {number}".encode()).digest(SIZE)


def missing(path: Path, numbers: Iterable[int]) -> list[int]:
    """Those of the acknowledged blocks that are not in the file as they should be."""
    data = path.read_bytes()
    return [n for n in numbers if data[n * SIZE : (n + 1) * SIZE] != block(path.name, n)]


class Load:
    """`acked(number)` is called as soon as a block is acknowledged. `options` are the client's."""

    def __init__(
        self, server: str, name: str, blocks: int, acked: Callable[[int], None], **options: object
    ) -> None:
        self._options = Options(
            server, "alice", "secret", **{"reconnect_timeout": 2.0, "poll_interval": 1.0, **options}
        )  # type: ignore[arg-type]
        self._name = name
        self._left = list(range(blocks))
        self._blocks = self._allowed = blocks
        self._more = asyncio.Event()
        self._acked = acked

    def allow(self, blocks: int | None) -> None:
        """Write the first so many, and then wait. None: all."""
        self._allowed = self._blocks if blocks is None else blocks
        self._more.set()

    async def run(self) -> None:
        """Until all are acknowledged. Tries for as long as it takes: the caller's patience is the limit."""
        while self._left:
            try:
                async with Client(self._options) as client:
                    await client.login()
                    await client.connect_channels()
                    await self._write(client)
            except (ClientError, OSError):
                await asyncio.sleep(_PAUSE)

    async def _write(self, client: Client) -> None:
        tree = await client.tree("data")
        while self._left:
            file = await tree.open(
                self._name,
                access=FILE_GENERIC_READ | FILE_GENERIC_WRITE,
                disposition=Disposition.OPEN_IF,
                share=_ALL,
                caching=Caching.R | Caching.H,
            )
            try:
                while self._left:
                    self._more.clear()
                    if self._left[0] < self._allowed:
                        await self._several(file)
                    else:
                        await self._more.wait()
            except SessionLost:
                raise
            except ClientError:
                await asyncio.sleep(_PAUSE)  # the handle is lost: open anew
            await tree.close(file)

    async def _several(self, file: OpenFile) -> None:
        """When all of them have ended, so that none is under way twice. ClientError: one has failed."""
        done = await asyncio.gather(
            *(self._one(file, number) for number in self._left[:_AT_ONCE] if number < self._allowed),
            return_exceptions=True,
        )
        for failure in done:
            if failure is not None:
                raise failure

    async def _one(self, file: OpenFile, number: int) -> None:
        await file.write(block(self._name, number), number * SIZE)
        self._left.remove(number)
        self._acked(number)


def main() -> None:
    server, name, blocks, *rest = sys.argv[1:]
    options = {"channels": int(rest[0])} if rest else {}

    async def run() -> None:
        load = Load(server, name, int(blocks), lambda number: print("acked", number, flush=True), **options)
        loop = asyncio.get_running_loop()

        def listen() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is over
                for line in sys.stdin:
                    loop.call_soon_threadsafe(load.allow, int(line))
                loop.call_soon_threadsafe(load.allow, None)

        load.allow(0)
        threading.Thread(target=listen, daemon=True).start()
        await load.run()

    asyncio.run(run())
    print("done", flush=True)


if __name__ == "__main__":
    main()
