"""With a lease, what is known need not be asked; when it is broken, nobody is lied to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from selftest.support.two_paths import PASSWORD, SHARE, USER, TwoPaths, two_paths
from server.client import CachedFile, Client, HandleLost, Options, StatusError
from server.client.lease import Caching
from server.wire.buffers import Buffer
from server.wire.create import FILE_GENERIC_READ, FILE_GENERIC_WRITE, Disposition
from server.wire.status import NTSTATUS

READ_WRITE = FILE_GENERIC_READ | FILE_GENERIC_WRITE


def told(
    tmp_path: Path, story: Callable[[TwoPaths, Client, Client], Awaitable[None]], **options: object
) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            other = Client(Options("127.0.0.1", USER, PASSWORD, port=paths.port))
            async with paths.client(poll_interval=60.0, echo_interval=60.0, **options) as client, other:
                await client.login()
                await other.login()
                await story(paths, client, other)

    asyncio.run(run())


async def fresh(client: Client, path: str = "f") -> CachedFile:
    return await client.open(SHARE, path, access=READ_WRITE, disposition=Disposition.OPEN_IF)


def asked(client: Client) -> int:
    """How many requests went out on its first channel."""
    exchange = client.channels[0]._exchange
    assert exchange is not None
    return exchange._next_message_id


def test_reads_writes_metadata_and_opens_again_need_no_server(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        (paths.directory / "f").write_bytes(bytes(range(256)) * 1000)
        file = await fresh(client)
        assert (await file.read(1000, 5), file.lease.state.letters) == (bytes(range(232, 237)), "RWH")
        before = asked(client)
        assert await file.read(998, 4) == bytes(range(230, 234))
        await file.write(b"written", 10)
        assert await file.read(9, 9) == b"\x09written\x11"
        assert (await fresh(client)).file is file.file
        assert asked(client) == before, "not a word to the server"
        assert (paths.directory / "f").read_bytes()[10:17] == bytes(range(10, 17)), "not there yet"
        await file.flush()
        assert (paths.directory / "f").read_bytes()[10:17] == b"written"
        before = asked(client)
        first = await file.info()
        assert await file.info() == first
        assert (first.end_of_file, asked(client)) == (256_000, before + 1), "asked once, after a write"

    told(tmp_path, story)


def test_closed_and_opened_again_it_is_still_known(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        (paths.directory / "f").write_bytes(b"known")
        file = await client.open(SHARE, "f")
        assert await file.read(0, 10) == b"known"
        before = asked(client)
        await file.close()
        again = await client.open(SHARE, "f")
        assert await again.read(0, 10) == b"known"
        assert asked(client) == before
        await again.close()

    told(tmp_path, story)


def test_a_break_writes_back_and_the_other_reads_what_was_written(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, other: Client) -> None:
        file = await fresh(client)
        await file.write(bytes(200_000), 0)
        await file.write(b"end", 200_000)
        theirs = await asyncio.wait_for(other.open(SHARE, "f"), 10)
        assert await theirs.read(199_999, 10) == b"\0end"
        assert file.lease.state.letters == "RH"
        before = asked(client)
        assert await file.read(199_999, 10) == b"\0end"
        assert asked(client) == before, "to read is still allowed"

    told(tmp_path, story)


def test_what_somebody_else_writes_is_seen(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, other: Client) -> None:
        (paths.directory / "f").write_bytes(b"before")
        file = await client.open(SHARE, "f")
        assert await file.read(0, 10) == b"before"
        theirs = await other.open(SHARE, "f", access=READ_WRITE)
        await theirs.write(b"after, and longer", 0)
        await theirs.flush()
        await paths.until("lease-broken", path="f", left="")
        assert await file.read(0, 100) == b"after, and longer"
        assert (await file.info()).end_of_file == 17

    told(tmp_path, story)


def test_what_nobody_uses_is_closed_for_somebody_who_needs_it(tmp_path: Path) -> None:
    """Its open would be in the way of one that does not share."""

    async def story(paths: TwoPaths, client: Client, other: Client) -> None:
        await (await fresh(client)).close()
        tree = await other.tree(SHARE)
        theirs = await asyncio.wait_for(tree.open("f", access=READ_WRITE, share=0), 10)
        await paths.until("lease-broken", path="f")
        await tree.close(theirs)

    told(tmp_path, story, deferred_close=300.0)


def test_what_is_kept_open_is_not_in_its_own_way(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        await (await fresh(client)).close()
        await client.rename(SHARE, "f", "g")
        await (await fresh(client, "g")).close()
        await client.remove(SHARE, "g")
        assert not list(paths.directory.iterdir())
        with pytest.raises(StatusError):
            await client.open(SHARE, "g")

    told(tmp_path, story, deferred_close=300.0)


def test_after_a_while_it_is_closed_anyway(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        file = await fresh(client)
        await file.close()
        for _ in range(100):
            if not client._cache._nodes:
                break
            await asyncio.sleep(0.05)  # It is the passing of time that is looked at.
        assert not client._cache._nodes
        again = await fresh(client)
        assert again.file is not file.file

    told(tmp_path, story, deferred_close=0.1)


def test_opens_at_the_same_time_share_one_on_the_server(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        files = await asyncio.gather(*(fresh(client) for _ in range(5)))
        assert len({id(file.file) for file in files}) == 1
        await asyncio.gather(*(file.write(bytes([n]) * 10, n * 10) for n, file in enumerate(files)))
        await asyncio.gather(*(file.close() for file in files))
        assert (paths.directory / "f").read_bytes() == b"".join(bytes([n]) * 10 for n in range(5))

    told(tmp_path, story)


def test_an_overwriting_open_voids_what_was_kept(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        file = await fresh(client)
        await file.write(b"to be gone", 0)
        again = await client.open(SHARE, "f", access=READ_WRITE, disposition=Disposition.OVERWRITE_IF)
        assert await again.read(0, 10) == b""
        assert await file.read(0, 10) == b""
        await again.write(b"new", 0)
        await file.close()
        await again.close()
        assert (paths.directory / "f").read_bytes() == b"new"

    told(tmp_path, story)


def test_more_than_may_be_kept_back_is_written(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        file = await fresh(client)
        for number in range(8):
            await file.write(bytes(100_000), number * 100_000)
        assert (paths.directory / "f").stat().st_size >= 500_000
        await file.close()

    told(tmp_path, story, write_back=250_000)


def test_a_file_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        with pytest.raises(StatusError) as missing:
            await client.open(SHARE, "none")
        assert missing.value.status is NTSTATUS.OBJECT_NAME_NOT_FOUND
        assert not client._cache._nodes
        assert not client._holdings.leases._held

    told(tmp_path, story)


def test_locks_keep_the_other_out_and_are_waited_for(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, other: Client) -> None:
        file, theirs = await fresh(client), await fresh(other)
        await file.lock(0, 10)
        with pytest.raises(StatusError) as taken:
            await theirs.lock(5, 10)
        assert taken.value.status is NTSTATUS.LOCK_NOT_GRANTED
        waiting = asyncio.create_task(theirs.lock(5, 10, wait=True))
        await file.unlock(0, 10)
        await asyncio.wait_for(waiting, 10)
        with pytest.raises(StatusError):
            await file.unlock(0, 10)

    told(tmp_path, story)


def test_what_was_kept_back_outlives_the_session(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        file = await fresh(client)
        await file.write(b"kept back", 0)
        paths.fast.reset()
        await paths.until("session-renewed")
        assert await file.read(0, 20) == b"kept back"
        await file.close()
        assert (paths.directory / "f").read_bytes() == b"kept back"

    told(tmp_path, story)


def test_what_a_break_could_not_write_is_told_to_who_flushes_next(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, other: Client) -> None:
        file = await fresh(client)
        await file.write(b"kept back", 0)

        async def full(_data: Buffer, _offset: int) -> None:
            raise StatusError(NTSTATUS.DISK_FULL, "WRITE")

        file.file.write = full  # type: ignore[method-assign]  # a disk cannot be filled for a test
        await asyncio.wait_for(other.open(SHARE, "f"), 10)
        with pytest.raises(StatusError) as told_later:
            await file.close()
        assert told_later.value.status is NTSTATUS.DISK_FULL

    told(tmp_path, story)


def test_what_is_not_closed_is_written_at_the_end(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        await (await fresh(client)).write(b"kept back", 0)
        await client.logoff()
        assert (paths.directory / "f").read_bytes() == b"kept back"

    told(tmp_path, story)


def test_what_was_kept_back_and_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Without H the open does not come back, and its bytes have nowhere to go."""

    async def story(paths: TwoPaths, client: Client, _other: Client) -> None:
        file = await client.open(
            SHARE,
            "f",
            access=READ_WRITE,
            disposition=Disposition.OPEN_IF,
            caching=Caching.R | Caching.W,
        )
        await file.write(b"kept back", 0)
        paths.fast.reset()
        await paths.until("handle-lost", path="f")
        with pytest.raises(HandleLost, match="f: its session was lost"):
            await file.read(0, 1)

    told(tmp_path, story)
