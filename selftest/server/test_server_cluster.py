"""Two nodes, hosts of a lab, with one file system and nothing else in common: a client is at one of them at a time, and
what was acknowledged to it is there, wherever it goes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from selftest.support import netns
from selftest.support.service import Service
from selftest.support.smb_load import missing
from swrap.testing import RealLab

NODES = {"first": "10.0.9.1", "second": "10.0.9.2"}
PUBLIC = {"first": "10.0.1.10", "second": "10.0.1.11"}
STATIC = {"first": "10.0.1.1", "second": "10.0.1.2"}


def hosts(*, static: bool) -> dict[str, Any]:
    """The nodes with a network of their own besides; `static`: clients can reach an address that stays with a node."""
    return {
        **{
            name: {
                "eth0": {"address": [f"{PUBLIC[name]}/24", *([f"{STATIC[name]}/24"] if static else [])]},
                "eth1": {"address": f"{NODES[name]}/24"},
            }
            for name in NODES
        },
        "laptop": {"eth0": {"address": "10.0.1.3/24"}},
    }


BLOCKS = 600

CALL = """
import asyncio, json, sys
from server.client.client import Client
from server.client.options import Options
async def main():
    async with Client(Options(sys.argv[1], "alice", "secret", reconnect_timeout=2.0)) as client:
        await client.login()
        offered = [str(entry.address) for entry in await client.interfaces()]
        channels = [channel.remote for channel in await client.connect_channels(2)]
        print(json.dumps([offered, channels]), flush=True)
asyncio.run(main())
"""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """What the nodes' cluster file system is."""
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[RealLab]:
    netns.enter()
    with RealLab(hosts(static="static" in request.node.name)) as running:
        yield running


@pytest.fixture
def start(lab: RealLab, share: Path, tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    """Start that node."""
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("known to the nodes alone")

    def one(name: str) -> Service:
        nodes = [word for node, address in NODES.items() for word in ("--node", f"{node}={address}:4379")]
        public = [word for address in PUBLIC.values() for word in ("--public", address)]
        command = [
            *(sys.executable, "-m", "server", "--cluster", name, *nodes, *public),
            *("--cluster-secret", secret, "--share", f"data={share}", "--user", "alice%secret"),
        ]
        service = running.enter_context(on(lab, name, command))
        service.says("listening")
        return service

    with ExitStack() as running:
        yield one


@pytest.fixture
def nodes(start: Callable[[str], Service]) -> tuple[Service, Service]:
    return start("first"), start("second")


def on(lab: RealLab, host: str, command: list[str | Path]) -> Service:
    pipe = subprocess.PIPE
    return Service(lab.start(host, command, stdout=pipe, stderr=pipe, text=True, start_new_session=True))


def load(lab: RealLab, channels: int = 1) -> Service:
    """A client that wants so many channels, the first one to the public address."""
    module = ("-m", "selftest.support.smb_load")
    return on(lab, "laptop", [sys.executable, *module, PUBLIC["first"], "film", str(BLOCKS), str(channels)])


def acked(load: Service) -> list[int]:
    return [int(number) for number in re.findall(r"acked (\d+)", load.said)]


def all_is_there(load: Service, share: Path) -> None:
    assert load.ended() == 0, load.said
    assert sorted(acked(load)) == list(range(BLOCKS))
    assert missing(share / "film", range(BLOCKS)) == []


def move(lab: RealLab, to: str) -> None:
    lab.do("move", {"address": PUBLIC["first"], "to": f"{to}.eth0", "reset": True})


def test_no_acknowledged_write_is_missing_when_the_public_address_moves_there_and_back(
    lab: RealLab, nodes: tuple[Service, Service], share: Path
) -> None:
    first, second = nodes
    with load(lab) as writer:
        writer.says("acked", 100)
        move(lab, "second")
        second.says("session-opened")
        writer.says("acked", 300)
        move(lab, "first")
        all_is_there(writer, share)
    first.says("connection-drop .*node=second")
    second.says("connection-drop .*node=first")
    for node in nodes:
        assert " error " not in node.said


def test_a_client_that_has_a_channel_to_a_static_address_stays_where_it_is(
    lab: RealLab, nodes: tuple[Service, Service], share: Path
) -> None:
    first, second = nodes
    with load(lab, channels=2) as writer:
        first.says("channel-bound")
        writer.says("acked", 100)
        move(lab, "second")
        all_is_there(writer, share)
    assert "connection-drop" not in first.said + second.said
    assert first.said.count("session-opened") == 1


def test_of_a_node_that_was_killed_the_other_takes_over(
    lab: RealLab, nodes: tuple[Service, Service], share: Path
) -> None:
    first, second = nodes
    with load(lab) as writer:
        writer.says("acked", 100)
        first.process.kill()
        first.ended()
        move(lab, "second")
        all_is_there(writer, share)
    second.says("a node is taken for dead.*node=first")


def test_of_a_node_that_is_cut_off_the_other_takes_over_after_a_while(
    lab: RealLab, nodes: tuple[Service, Service], share: Path
) -> None:
    with load(lab) as writer:
        writer.says("acked", 100)
        move(lab, "second")
        lab.do("link-down", "first.eth1")
        all_is_there(writer, share)
    nodes[1].says("a node is taken for dead.*node=first")


def test_public_addresses_are_offered_to_nobody_and_static_ones_are(
    lab: RealLab, nodes: tuple[Service, Service]
) -> None:
    done = lab.run("laptop", [sys.executable, "-c", CALL, PUBLIC["first"]])
    offered, channels = json.loads(done.stdout)
    assert sorted(offered) == ["10.0.1.1", "10.0.9.1"]
    assert set(channels) == {"10.0.1.10:445", "10.0.1.1:445"}


def test_who_does_not_know_the_secret_is_not_heeded(
    lab: RealLab, nodes: tuple[Service, Service], share: Path
) -> None:
    words = f"""
import socket
peer = socket.create_connection(("10.0.9.1", 4379))
peer.recv(100)
peer.sendall(b"{"0" * 64} " + b'{{"do": "connection_drop"}}\\n')
print(peer.recv(100))
"""
    assert lab.run("second", [sys.executable, "-c", words]).stdout == "b'no\\n'\n"
    nodes[0].says("no word of a node.*wrong MAC")
