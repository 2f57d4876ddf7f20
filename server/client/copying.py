"""Whole files, in both directions: how a copy keeps many requests of one open under way.

Owns the order of the bytes and their digest. Must not know channels. Called by ``tree``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass

from server.client.errors import ClientError
from server.client.files import OpenFile
from server.wire.buffers import Buffer
from server.wire.errors import WireError

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) whenever an answer came."""


def nobody(_done: int, _total: int) -> None:
    """The progress of a copy that nobody watches."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a whole-file copy did. ``sha256`` in hexadecimal; ``seconds`` from the open to the close."""

    bytes: int
    sha256: str
    seconds: float


async def write_all(
    target: OpenFile, chunks: Iterable[Buffer], total: int, times: int, progress: Progress
) -> tuple[int, str]:
    """Write ``chunks`` one after the other, ``times`` of them at once: (bytes, their digest)."""
    digest = hashlib.sha256()
    written = 0

    def numbered() -> Iterator[tuple[int, Buffer]]:
        offset = 0
        for chunk in chunks:
            digest.update(chunk)
            yield offset, chunk
            offset += len(chunk)

    source = numbered()

    async def carry() -> None:
        nonlocal written
        for offset, chunk in source:
            await target.write(chunk, offset)
            written += len(chunk)
            progress(written, total)

    await _together(carry, times)
    return written, digest.hexdigest()


async def read_all(
    origin: OpenFile, sink: Callable[[Buffer], object], chunk: int, times: int, progress: Progress
) -> tuple[int, str]:
    """Give all bytes to ``sink``, in order, ``times`` requests of ``chunk`` bytes at once."""
    digest = hashlib.sha256()
    total, done = origin.size, 0
    early: dict[int, Buffer] = {}
    offsets = iter(range(0, total, chunk))

    async def carry() -> None:
        nonlocal done
        for offset in offsets:
            early[offset] = await origin.read_all(offset, min(chunk, total - offset))
            while done in early:
                data = early.pop(done)
                digest.update(data)
                sink(data)
                done += len(data)
                progress(done, total)

    await _together(carry, times)
    return done, digest.hexdigest()


async def _together(work: Callable[[], Coroutine[None, None, None]], times: int) -> None:
    """Run ``times`` coroutines of the same work. The first error ends them all and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(times):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        for error in errors.exceptions:
            if isinstance(error, ClientError | WireError | OSError):
                raise error from None
        raise
