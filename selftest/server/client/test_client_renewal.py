"""A session that is lost with all its channels is followed by another, which has what was open; one that has expired goes
on once the user has logged on anew.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from selftest.support.two_paths import PASSWORD, SHARE, USER, TwoPaths, chunks, two_paths
from server.client import Client, HandleLost, SessionLost
from server.client.channel import Channel
from server.client.lease import Caching
from server.client.options import Options
from server.wire.create import FILE_GENERIC_READ, FILE_GENERIC_WRITE, Disposition, ShareAccess

READ_WRITE = FILE_GENERIC_READ | FILE_GENERIC_WRITE
EVERYBODY = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
COUNT = 48


async def fall(paths: TwoPaths, client: Client) -> None:
    """All channels are reset, so that the server ends the session; wait for the one that follows."""
    before = len(paths.told("session-renewed"))
    paths.fast.reset()
    await paths.when(lambda: len(paths.told("session-renewed")) > before)
    assert client.session.lost is None


def test_a_copy_survives_the_loss_of_all_channels_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            first = await client.login()
            await client.connect_channels(2)
            faults = [paths.fast.reset]

            def watch(done: int, total: int) -> None:
                if done >= total // 2 and faults:
                    faults.pop()()

            copied = await asyncio.wait_for(client.put(SHARE, "film", chunks(COUNT), COUNT << 20, watch), 30)
            assert copied.bytes == COUNT << 20
            assert (paths.directory / "film").read_bytes() == b"".join(chunks(COUNT))
            [renewed] = paths.told("session-renewed")
            assert renewed["former"] == f"0x{first.session_id:x}" != renewed["session_id"]
            assert renewed["handles_lost"] == []
            assert [event["session_id"] for event in paths.told("session-opened")] == [
                renewed["former"],
                renewed["session_id"],
            ]
            await paths.when(lambda: len(client.channels) == 2)

    asyncio.run(run())


def test_a_durable_open_comes_back_with_its_lease(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            tree = await client.tree(SHARE)
            file = await tree.open(
                "f",
                access=READ_WRITE,
                disposition=Disposition.OVERWRITE_IF,
                share=EVERYBODY,
                caching=Caching.R | Caching.W | Caching.H,
            )
            before = file.id
            await file.write(b"before", 0)
            await fall(paths, client)
            assert file.id != before
            await file.write(b"after!", 0)
            assert bytes(await file.read(0, 100)) == b"after!"
            assert file.opening.lease is not None
            assert file.opening.lease.state.letters == "RWH"
            await fall(paths, client)  # Once more: it is still durable.
            assert bytes(await file.read(0, 100)) == b"after!"
            async with Client(Options("127.0.0.2", USER, PASSWORD, port=paths.port)) as other:
                await other.login()
                again = await (await other.tree(SHARE)).open("f", share=EVERYBODY)
                await paths.until("lease-broken", path="f", left="RH")
                await (await other.tree(SHARE)).close(again)
            await tree.close(file)
            assert (await client.listdir(SHARE))[0].name == "f", "directories are opened anew"

    asyncio.run(run())


def test_an_open_that_was_not_durable_says_so_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            tree = await client.tree(SHARE)
            plain = await tree.open("plain", access=READ_WRITE, disposition=Disposition.OPEN_IF)
            await fall(paths, client)
            with pytest.raises(HandleLost, match="plain: its session was lost, and it was not durable"):
                await plain.write(b"x", 0)
            assert paths.told("handle-lost")[0]["path"] == "plain"
            await tree.close(plain)
            assert [entry.name for entry in await client.listdir(SHARE)] == ["plain"]

    asyncio.run(run())


def test_an_open_that_the_server_does_not_give_back_says_why(tmp_path: Path) -> None:
    """Somebody else took the file while nobody was there to answer for it."""

    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client(handshake_timeout=0.5) as client:
            await client.login()
            tree = await client.tree(SHARE)
            file = await tree.open(
                "f",
                access=READ_WRITE,
                disposition=Disposition.OPEN_IF,
                share=EVERYBODY,
                caching=Caching.R | Caching.W | Caching.H,
            )
            for relay in (paths.fast, paths.slow):
                relay.freeze()
                relay.reset()
            async with Client(Options("127.0.0.1", USER, PASSWORD, port=paths.port)) as other:
                await other.login()
                shared = await other.tree(SHARE)
                # Without sharing: the open that is in the way has a lease, and nobody to acknowledge its break.
                taken = await shared.open("f", access=READ_WRITE, share=0)
                await shared.close(taken)
            paths.fast.thaw()
            paths.slow.thaw()
            await paths.until("session-renewed", within=20)
            with pytest.raises(HandleLost, match="not given back: STATUS_OBJECT_NAME_NOT_FOUND"):
                await file.read(0, 1)

    asyncio.run(run())


def test_a_wrong_password_meanwhile_is_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            object.__setattr__(client.options, "password", "changed")
            paths.fast.reset()
            with pytest.raises(SessionLost, match="LOGON_FAILURE"):
                await client.listdir(SHARE)

    asyncio.run(run())


def test_a_session_that_has_expired_goes_on_after_a_log_on_anew(tmp_path: Path) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text("[limits]\nsession_time = 1\n")

    async def run() -> None:
        async with two_paths(tmp_path, "--config", str(settings)) as paths, paths.client() as client:
            first = await client.login()
            await client.connect_channels(2)
            for number in range(2):  # The poll for interfaces is what meets the expiry first.
                await paths.when(lambda: len(paths.told("session-authenticated")) > number)  # noqa: B023
                await client.put(SHARE, f"f{number}", chunks(2), 2 << 20)
            assert client.session.terms.session_id == first.session_id
            assert "session-renewed" not in paths.kinds()
            assert "channel-lost" not in paths.kinds()

    asyncio.run(run())


def test_a_new_session_that_is_lost_before_it_has_everything_is_followed_as_well(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            tree = await client.tree(SHARE)
            file = await tree.open(
                "f",
                access=READ_WRITE,
                disposition=Disposition.OPEN_IF,
                share=EVERYBODY,
                caching=Caching.R | Caching.H,
            )
            holdings = client._holdings
            restore = holdings.restore

            async def interrupted(over: Channel) -> None:
                holdings.restore = restore  # type: ignore[method-assign]
                paths.fast.reset()
                await restore(over)

            holdings.restore = interrupted  # type: ignore[method-assign]
            paths.fast.reset()
            await paths.until("session-renewed")
            await file.write(b"still there", 0)
            assert len(paths.told("session-opened")) == 3
            assert len(paths.told("session-renewed")) == 1
            await tree.close(file)

    asyncio.run(run())
