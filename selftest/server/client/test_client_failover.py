"""A path that dies, in any of the ways that paths die, costs time but neither bytes nor the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest

from selftest.support.two_paths import FAST, SHARE, SLOW, TwoPaths, chunks, two_paths
from server.client import Client, SessionLost

COUNT = 96

CHANNELS = {"channel-opened": 1, "channel-lost": -1, "channel-closed": -1}


async def copy(client: Client, paths: TwoPaths, fault: Callable[[], None]) -> None:
    """Put a file, with a fault when half of it is there; check what is stored."""
    faults = [fault]

    def watch(done: int, total: int) -> None:
        if done >= total // 2 and faults:
            faults.pop()()

    copied = await client.put(SHARE, "film.bin", chunks(COUNT), COUNT << 20, watch)
    assert copied.bytes == COUNT << 20
    with (paths.directory / "film.bin").open("rb") as stored:
        for wanted in chunks(COUNT):
            assert stored.read(1 << 20) == wanted
        assert stored.read() == b""


def test_a_silent_cable_half_way_moves_the_copy_and_the_way_back_is_found(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client(handshake_timeout=1.0) as client:
            terms = await client.login()
            await client.connect_channels(2)
            copying = asyncio.create_task(copy(client, paths, paths.fast.freeze))
            await paths.until("path-changed", to=SLOW)
            await paths.when(lambda: paths.remotes(client) == {SLOW})
            await copying
            paths.fast.thaw()
            await paths.until("path-changed", to=FAST)
            await paths.until("channel-closed", reason="a better path carries the session")
            await paths.when(lambda: FAST in paths.remotes(client))
            assert len(await client.listdir(SHARE)) == 1

            told = paths.kinds()
            lifelines = list(accumulate(CHANNELS.get(kind, 0) for kind in told))
            assert min(lifelines[told.index("channel-opened") :]) > 0, "the last old one is kept till then"
            assert told.index("channel-silent") < told.index("channel-lost")
            assert {event["session_id"] for event in paths.told("channel-opened")} == {
                f"0x{terms.session_id:x}"
            }
            assert sum(int(str(event["requests"])) for event in paths.told("replayed")) > 0
            assert client.session.channel_sequence == len(paths.told("channel-lost"))

    asyncio.run(run())


def test_one_of_two_channels_is_reset_and_its_requests_go_over_the_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            await client.connect_channels(2)
            copying = asyncio.create_task(copy(client, paths, lambda: paths.fast.reset(one=True)))
            await copying
            [lost] = paths.told("channel-lost")
            assert lost["channel_sequence"] == 1
            await paths.until("channel-opened", channel=3)
            assert paths.remotes(client) == {FAST}, "a reset is not the path's fault"
            assert "channel-silent" not in paths.kinds()

    asyncio.run(run())


def test_with_its_last_channel_the_session_ends_for_who_wants_no_other_and_everybody_is_told(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client(reconnect=False) as client:
            await client.login()
            await client.connect_channels(2)
            copying = asyncio.create_task(copy(client, paths, paths.fast.reset))
            with pytest.raises(SessionLost, match="the server ended it with its last channel"):
                await asyncio.wait_for(copying, 10)
            [lost] = paths.told("session-lost")
            assert lost["session_id"] == client.session.name
            with pytest.raises(SessionLost):
                await client.listdir(SHARE)

    asyncio.run(run())


def test_no_way_at_all_ends_in_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            two_paths(tmp_path) as paths,
            paths.client(reconnect_timeout=2.0, handshake_timeout=0.5) as client,
        ):
            await client.login()
            await client.connect_channels(2)

            def fault() -> None:
                paths.fast.freeze()
                paths.slow.freeze()

            copying = asyncio.create_task(copy(client, paths, fault))
            with pytest.raises(SessionLost, match="no way to the server for 2 s"):
                await asyncio.wait_for(copying, 15)
            assert "channel-failed" in paths.kinds()

    asyncio.run(run())


def test_all_silent_for_a_while_and_nothing_else_there_goes_on_where_it_was(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            paths.advertise(FAST)
            paths.slow.freeze()
            async with paths.client(handshake_timeout=0.5) as client:
                await client.login()
                await client.connect_channels(2)
                copying = asyncio.create_task(copy(client, paths, paths.fast.freeze))
                await paths.when(lambda: paths.states(client) == {"silent"})
                await paths.until("channel-failed")
                paths.fast.thaw()
                await copying
                await paths.when(lambda: paths.states(client) == {"live"})
                assert "session-lost" not in paths.kinds()

    asyncio.run(run())


def test_a_cable_that_is_out_at_our_end_is_known_at_once(tmp_path: Path) -> None:
    """Nothing is under way, no byte could tell: the interface says it."""

    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            await client.connect_channels(2)
            paths.fast.freeze()
            paths.cables.up[FAST] = False
            await paths.until("channel-silent", within=3, reason="no link on fast")
            await paths.until("path-changed", within=3, to=SLOW)
            assert len(await client.listdir(SHARE)) == 0
            paths.fast.thaw()
            paths.cables.up[FAST] = True
            await paths.until("path-changed", within=5, to=FAST)

    asyncio.run(run())


def test_the_servers_list_leads_to_the_better_interface_and_away_from_one_that_goes(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            paths.advertise(SLOW)
            async with paths.client(server=SLOW) as client:
                await client.login()
                assert [str(c.path.remote) for c in await client.connect_channels(2)] == [SLOW, SLOW]
                paths.advertise(FAST, SLOW)
                await paths.until("interfaces-changed", appeared=[FAST])
                await paths.until("path-changed", to=FAST, reason="it is better")
                paths.advertise(SLOW)
                await paths.until("path-changed", to=SLOW)
                await paths.until("channel-closed", remote=f"{FAST}:{paths.port}")
                assert "channel-lost" not in paths.kinds(), "nothing was torn"

    asyncio.run(run())
