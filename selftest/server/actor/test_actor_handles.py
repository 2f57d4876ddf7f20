"""Opens that a story names: with leases that are broken, and with writes that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from selftest.support.two_paths import FAST, PASSWORD, SHARE, USER, TwoPaths, two_paths
from server.actor.handles import Handles
from server.actor.protocol import ActorError
from server.client import Client, Options, StatusError
from server.wire.status import NTSTATUS


class Story:
    """One client with its handles; ``heard`` are its events."""

    def __init__(self, paths: TwoPaths) -> None:
        self.heard: list[tuple[str, Mapping[str, Any]]] = []
        self._told = asyncio.Event()
        options = Options(FAST, USER, PASSWORD, port=paths.port)
        self.client = Client(options, observer=self._observe, interfaces=paths.cables)
        self._verbs = Handles(lambda: self.client, lambda: SHARE).verbs()

    def _observe(self, kind: str, fields: Mapping[str, Any]) -> None:
        self.heard.append((kind, fields))
        self._told.set()

    async def until(self, kind: str) -> None:
        async with asyncio.timeout(10):
            while all(told != kind for told, _ in self.heard):
                self._told.clear()
                await self._told.wait()

    async def do(self, verb: str, **args: Any) -> Any:
        return await self._verbs[verb](args, lambda _done, _total: None)


def told(tmp_path: Path, tell: Callable[[Story, Story], Awaitable[None]]) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            one, other = Story(paths), Story(paths)
            async with one.client, other.client:
                await one.client.login()
                await other.client.login()
                await tell(one, other)

    asyncio.run(run())


def test_a_lease_is_granted_and_taken_back_when_somebody_else_opens(tmp_path: Path) -> None:
    async def tell(one: Story, other: Story) -> None:
        opened = await one.do("open", handle="a", path="f", lease="RWH")
        assert opened == {"lease": "RWH", "size": 0, "created": True}
        # The other's open waits for the acknowledgment; were there none, it would take 35 s.
        opened = await asyncio.wait_for(other.do("open", handle="b", path="f", lease="RWH"), 10)
        assert opened["lease"] == "RH"
        [broken] = [fields for kind, fields in one.heard if kind == "lease-broken"]
        assert (broken["path"], broken["before"], broken["left"]) == ("f", "RWH", "RH")
        assert broken["acknowledged"]

    told(tmp_path, tell)


def test_what_one_writes_the_other_reads_whoever_has_leases(tmp_path: Path) -> None:
    async def tell(one: Story, other: Story) -> None:
        await one.do("open", handle="a", path="f", lease="RWH")
        await other.do("open", handle="b", path="f", lease="RH", access="read")
        written = await one.do("write", handle="a", size="64KiB", seed=7)
        await other.until("lease-broken")  # Of R alone nobody waits for an acknowledgment.
        assert await other.do("read", handle="b", size="1MiB") == {**written, "cached": False}
        await one.do("close", handle="a")
        with pytest.raises(ActorError, match="no open handle 'a'"):
            await one.do("read", handle="a", size=1)

    told(tmp_path, tell)


def test_a_write_of_before_a_channel_was_lost_is_fenced_off(tmp_path: Path) -> None:
    async def tell(one: Story, _other: Story) -> None:
        one.client.session.channel_sequence = 3
        await one.do("open", handle="a", path="f")
        first = await one.do("write", handle="a", size=1000, seed=1, channel=1)
        with pytest.raises(StatusError) as late:
            await one.do("write", handle="a", size=1000, seed=2, behind=1)
        assert late.value.status is NTSTATUS.FILE_NOT_AVAILABLE
        assert await one.do("read", handle="a", size=1000) == first, "without a lease nothing is kept"
        with pytest.raises(ActorError, match="no channel 9; there are: 1"):
            await one.do("write", handle="a", size=1, channel=9)

    told(tmp_path, tell)
