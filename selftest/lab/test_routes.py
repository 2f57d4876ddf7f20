"""rtnetlink in a lab without a switch, where the keeper answers: the host's own interfaces, and an end as of any lab."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import pytest

from selftest.support.commands import swrap
from selftest.support.netlink import PRELUDE
from selftest.support.processes import DEADLINE
from swrap.lab.lab import Lab
from swrap.topology import Topology

WATCHER = (
    PRELUDE
    + """
s = route(groups=1)
said([name(one[4]) for one in dump(s, 18)], s.getsockname()[1], s.getpeername())
s.recv(1)
"""
)


def in_direct_lab(topology: Topology, story: Callable[[Lab], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(DEADLINE), await Lab.start(topology, direct=True) as lab:
            await story(lab)

    asyncio.run(main())


async def watcher(lab: Lab, host: str) -> list[object]:
    """A program that shows its links and then waits for ever for a change; what it shows."""
    process = await lab.spawn(host, [sys.executable, "-c", WATCHER], stdout=PIPE)
    assert process.stdout is not None
    said: list[object] = json.loads(await process.stdout.readline())
    return said


def test_ip_shows_the_interfaces_of_a_private_network() -> None:
    if shutil.which("ip") is None:
        pytest.skip("ip (iproute2) is missing")
    done = swrap("exec", "--host", "alone", "--", "ip", "-br", "addr")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["lo", "UNKNOWN", "127.0.0.1/8", "::1/128"],
        ["eth0", "UP", "10.0.0.1/24"],
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_each_host_has_its_own_and_all_may_ask_at_once(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        said = await asyncio.gather(*(watcher(lab, host) for host in ["server", "laptop"] * 8))
        assert said == [[["lo", "eth0"], 1, [0, 0]]] * 16

    in_direct_lab(topology, story)


def test_a_lab_whose_programs_wait_for_a_change_ends_all_the_same(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        await watcher(lab, "server")
        await lab.close()
        assert not lab.directory.exists()
        assert lab.failed.reason == ""

    in_direct_lab(topology, story)
