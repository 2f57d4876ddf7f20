"""In a host of a network the server serves Debian's smbclient and our own client encrypted, on every channel."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.support import netns
from selftest.support.network import Hosts, network
from selftest.support.service import Service, installed, out

CLIENT = """
import asyncio, json
from server.client.client import Client
from server.client.options import Options
async def main():
    async with Client(Options("10.0.1.1", "alice", "secret")) as client:
        await client.login()
        channels = await client.connect_channels(4)
        pieces, back = [bytes([n]) * (1 << 20) for n in range(16)], bytearray()
        await client.put("data", "film", pieces, 16 << 20)
        await client.get("data", "film", back.extend)
        print(json.dumps([len(channels), bytes(back) == b"".join(pieces)]))
asyncio.run(main())
"""


@dataclass
class Served:
    lab: Hosts
    share: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server in the host `server` that takes nothing that is not encrypted."""
    netns.enter()
    folder = tmp_path_factory.mktemp("encrypted")
    (folder / "share").mkdir()
    command = [
        *(sys.executable, "-m", "server", "--encryption", "required"),
        *("--share", f"data={folder}/share", "--user", "alice%secret"),
    ]
    with network(folder / "net") as lab, Service.on(lab, "server", command) as server:
        server.says("listening")
        yield Served(lab, folder / "share")
        assert " error " not in server.said, "an error of the server's own"


@pytest.mark.parametrize(
    ("protocol", "cipher"),
    [("SMB3_00", "AES-128-CCM"), ("SMB3_11", "AES-128-GCM"), ("SMB3_11", "AES-256-CCM")],
)
def test_smbclient_copies_there_and_back(served: Served, tmp_path: Path, protocol: str, cipher: str) -> None:
    film = tmp_path / "film"
    film.write_bytes(os.urandom(2 << 20))
    commands = f"put {film} film; get film {tmp_path}/back"
    arguments = [
        *(installed("smbclient", "smbclient"), "//10.0.1.1/data", "-U", "alice%secret", "-m", protocol),
        *("--configfile=/dev/null", "--client-protection=encrypt", "-c", commands),
        f"--option=client smb3 encryption algorithms={cipher}",
    ]
    out(served.lab.run("laptop", *arguments))
    assert (tmp_path / "back").read_bytes() == film.read_bytes()
    assert (served.share / "film").read_bytes() == film.read_bytes()


def test_our_client_does_over_four_channels(served: Served) -> None:
    assert json.loads(out(served.lab.run("laptop", sys.executable, "-c", CLIENT))) == [4, True]
