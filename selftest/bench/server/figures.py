"""What needs no rival: how long a hand-over takes, what a worker holds, and what several channels carry."""

from __future__ import annotations

import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path

from selftest.bench.figure import Figure, Measurement
from selftest.bench.server.raw import PASSWORD, SHARE, USER, Raw
from selftest.bench.server.rivals import ours
from selftest.support.network import Network, network
from selftest.support.service import Service, out
from selftest.support.smb_server import family
from swrap.topology import Host, Interface, Topology

HANDOVERS = 200
HANDOVER = 2.0
"""Milliseconds."""
CLIENTS = 500
UNIQUE = 20.0
"""MiB that a worker shares with nobody."""
CHANNELS, RATE, GAIN = 4, 100 * 10**6, 3.6
_MIB = 48

_DOWNLOAD = """
import asyncio, sys, time
from server.client.client import Client
from server.client.options import Options
async def main():
    address, user, password, share, channels, size = sys.argv[1:]
    async with Client(Options(address, user, password, channels=int(channels))) as client:
        await client.login()
        opened = await client.connect_channels(int(channels))
        assert len(opened) == int(channels), opened
        pieces = []
        began = time.perf_counter()
        await client.get(share, "film", lambda piece: pieces.append(len(piece)))
        took = time.perf_counter() - began
        assert sum(pieces) == int(size) << 20
        print(took)
asyncio.run(main())
"""


def handover(directory: Path) -> Iterator[Figure]:
    """From a connection that is accepted to the answer to its NEGOTIATE, of a client that has one already; as the client sees
    it, so that its own way there and back is in it.
    """
    with ours(directory) as server:
        guid = uuid.uuid4()
        first = Raw(server.address, guid)
        first.log_on()
        took = []
        for _ in range(HANDOVERS):
            began = time.perf_counter()
            Raw(server.address, guid).close()
            took.append(time.perf_counter() - began)
        first.close()
    yield Figure("hand-over, accept to first answer", "ms", 1000 * statistics.median(took), HANDOVER)


def held(directory: Path) -> Iterator[Figure]:
    """Clients with two channels each, all at a time; the memory of their workers."""
    with ours(directory) as server:
        began, connections = time.perf_counter(), []
        for _ in range(CLIENTS):
            guid = uuid.uuid4()
            first, second = Raw(server.address, guid), Raw(server.address, guid)
            second.log_on(first.log_on())
            connections += [first, second]
        took = time.perf_counter() - began
        for one in connections:
            one.use()  # it still answers
        workers = [pid for pid in family(server.process) if _name(pid) == "smb-worker"]
        unique = [_unique(pid) for pid in workers]
        for one in connections:
            one.close()
    yield Figure("clients of two channels, held", "", len(workers) - IDLE, low=CLIENTS)
    yield Figure("memory of a worker's own (USS), the most", "MiB", max(unique), UNIQUE)
    yield Figure("the same, median", "MiB", statistics.median(unique))
    yield Figure("until the last of them was logged on", "s", took)


IDLE = 2
"""Workers that are kept ready."""


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _unique(pid: int) -> float:
    """MiB of a process's own (USS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def channels(directory: Path) -> Iterator[Figure]:
    """A file read over several channels, each of its own slow interface, and over one of them."""
    directory.mkdir()
    (directory / "share").mkdir()
    (directory / "share" / "film").write_bytes(bytes(_MIB << 20))
    command = [
        *(sys.executable, "-m", "server", "--share", f"{SHARE}={directory}/share"),
        *("--user", f"{USER}%{PASSWORD}"),
    ]
    with (
        network(directory / "net", topology=_slow(CHANNELS)) as lab,
        Service.on(lab, "server", command) as server,
    ):
        server.says("listening")
        speeds = {count: _MIB / _took(lab, count) for count in (1, CHANNELS)}
    title = f"{CHANNELS} channels of {RATE // 10**6} Mb/s, by one"
    yield Figure(title, "×", speeds[CHANNELS] / speeds[1], low=GAIN)
    yield Figure("one of them", "MiB/s", speeds[1])


def _took(lab: Network, count: int) -> float:
    arguments = ["10.0.1.1", USER, PASSWORD, SHARE, str(count), str(_MIB)]
    return float(out(lab.run("laptop", sys.executable, "-c", _DOWNLOAD, *arguments)))


def _slow(count: int) -> Topology:
    return Topology(
        tuple(
            Host(
                name,
                tuple(
                    Interface(f"eth{n}", (ip_interface(f"10.0.{n}.{last}/24"),), speed=RATE, rate=RATE)
                    for n in range(1, count + 1)
                ),
            )
            for name, last in (("server", 1), ("laptop", 2))
        )
    )


MEASUREMENTS = (
    Measurement("server-handover", handover),
    Measurement("server-clients", held),
    Measurement("server-channels", channels),
)
