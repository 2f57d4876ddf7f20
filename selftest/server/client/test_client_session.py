"""Requests outlive fences, and go where there is least to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from selftest.support.two_paths import SHARE, TwoPaths, two_paths
from server.client import Client, Options
from server.wire.create import FILE_GENERIC_READ, FILE_GENERIC_WRITE, Disposition

READ_WRITE = FILE_GENERIC_READ | FILE_GENERIC_WRITE


def with_client(tmp_path: Path, story: Callable[[TwoPaths, Client], Awaitable[None]]) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client(poll_interval=60.0) as client:
            await client.login()
            await client.connect_channels(2)
            await story(paths, client)

    asyncio.run(run())


def test_a_write_that_the_server_fences_off_is_offered_until_it_takes_it(tmp_path: Path) -> None:
    """The open has seen a later ChannelSequence than the request has: FILE_NOT_AVAILABLE, until they agree."""

    async def story(paths: TwoPaths, client: Client) -> None:
        session = client.session
        file = await (await client.tree(SHARE)).open(
            "f", access=READ_WRITE, disposition=Disposition.OVERWRITE_IF
        )
        session.channel_sequence = 5
        await file.write(b"first", 0)
        session.channel_sequence = 4
        late = asyncio.create_task(file.write(b"later", 0))
        done, _ = await asyncio.wait({late}, timeout=0.3)
        assert not done
        assert (paths.directory / "f").read_bytes() == b"first"
        session.channel_sequence = 5
        await asyncio.wait_for(late, 5)
        assert (paths.directory / "f").read_bytes() == b"later"
        await file.close()
        await file.close()  # As a replayed one would: no error.

    with_client(tmp_path, story)


def test_requests_go_to_the_channel_with_the_fewest_outstanding(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client) -> None:
        file = await (await client.tree(SHARE)).open(
            "f", access=READ_WRITE, disposition=Disposition.OVERWRITE_IF
        )
        paths.fast.freeze()  # Nothing is answered while we look.
        writes = [asyncio.create_task(file.write(bytes(1000), n * 1000)) for n in range(6)]
        await asyncio.sleep(0)  # One turn for each of them: all are sent, or wait.
        assert [channel.outstanding_bytes for channel in client.channels] == [3000, 3000]
        paths.fast.thaw()
        await asyncio.gather(*writes)
        await file.close()

    with_client(tmp_path, story)


def test_a_window_that_is_full_holds_data_back_but_not_what_cannot_wait(tmp_path: Path) -> None:
    async def story(paths: TwoPaths, client: Client) -> None:
        file = await (await client.tree(SHARE)).open(
            "f", access=READ_WRITE, disposition=Disposition.OVERWRITE_IF
        )
        paths.fast.freeze()
        writes = [asyncio.create_task(file.write(bytes(1 << 20), n << 20)) for n in range(12)]
        await asyncio.sleep(0)
        under_way = [channel.outstanding_bytes for channel in client.channels]
        assert 0 < sum(under_way) < 12 << 20
        before = sum(channel.outstanding for channel in client.channels)
        listing = asyncio.create_task(client.interfaces())
        await asyncio.sleep(0)
        assert sum(channel.outstanding for channel in client.channels) == before + 1
        assert [channel.outstanding_bytes for channel in client.channels] == under_way
        paths.fast.thaw()
        await asyncio.gather(listing, *writes)
        await file.close()

    with_client(tmp_path, story)


def test_round_robin_takes_each_channel_in_turn_whatever_it_has_to_do(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            two_paths(tmp_path) as paths,
            paths.client(poll_interval=60.0, scheduling="round_robin") as client,
        ):
            await client.login()
            one, other = await client.connect_channels(2)
            file = await (await client.tree(SHARE)).open(
                "f", access=READ_WRITE, disposition=Disposition.OVERWRITE_IF
            )
            paths.fast.freeze()
            before = one.outstanding - other.outstanding
            large = asyncio.create_task(file.write(bytes(100_000), 0))
            await asyncio.sleep(0)
            writes = [asyncio.create_task(file.write(bytes(1000), n * 1000)) for n in range(5)]
            await asyncio.sleep(0)
            assert one.outstanding - other.outstanding == before, "three requests each"
            assert sorted(channel.outstanding_bytes for channel in (one, other)) == [3000, 102_000]
            paths.fast.thaw()
            await asyncio.gather(large, *writes)
            await file.close()

    asyncio.run(run())


def test_another_scheduling_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no scheduling 'random'; there are: least_outstanding, round_robin"):
        Client(Options("s", "u", "p", scheduling="random"))
