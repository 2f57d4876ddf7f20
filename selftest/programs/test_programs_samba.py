"""Debian's smbd, unmodified, serves a host: Samba's own client and torturer, and our client, bind channels to it.

A channel after the first is a socket that smbd handed to the smbd that owns the client, by SCM_RIGHTS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support import commands, tshark
from selftest.support.lab_fixtures import lab_file, running_lab, runtime_directory
from selftest.support.processes import Watched
from selftest.support.samba import PASSWORD, USER, Samba
from selftest.support.service import Service, installed, out
from swrap.lab import members

__all__ = ["lab_file", "running_lab", "runtime_directory"]

LOGIN = ("-U", f"{USER}%{PASSWORD}", "--configfile=/dev/null")

CLIENT = f"""
import asyncio, json
from server.client.client import Client
from server.client.options import Options
from server.wire.ioctl import InterfaceCapability
async def main():
    async with Client(Options("10.0.1.1", "{USER}", "{PASSWORD}")) as client:
        await client.login()
        interfaces = await client.interfaces()
        for number in (2, 3, 4):  # one by one: this smbd may lose one of several that come at once, on any network
            channels = await client.connect_channels(number)
        print(json.dumps({{
            "interfaces": sorted([str(one.address), one.link_speed, InterfaceCapability(one.capability).name] for one in interfaces),
            "channels": len(channels),
        }}))
asyncio.run(main())
"""


COPY = f"""
import asyncio, json, sys
from server.client.client import Client
from server.client.options import Options
async def main(share, encrypt):
    told = []
    options = Options("10.0.1.1", "{USER}", "{PASSWORD}", encrypt=encrypt)
    async with Client(options, observer=lambda kind, fields: told.append((kind, dict(fields)))) as client:
        await client.login()
        for number in (2, 3):  # one by one, as above
            channels = await client.connect_channels(number)
        pieces, back = [bytes([n]) * (1 << 20) for n in range(16)], bytearray()
        await client.put(share, "film", pieces, 16 << 20)
        await client.get(share, "film", back.extend)
        [cipher] = [fields["cipher"] for kind, fields in told if kind == "session-opened"]
        asked = (await client.tree(share)).id.encrypted
        print(json.dumps([len(channels), bytes(back) == b"".join(pieces), cipher, asked]))
asyncio.run(main(sys.argv[1], sys.argv[2] == "all"))
"""


@pytest.fixture
def samba(running_lab: Path, tmp_path: Path) -> Iterator[Samba]:
    """smbd on `server` of a lab with two hosts and a switch, which takes connections."""
    configured = Samba(tmp_path / "samba")
    process = commands.start(
        *("exec", "--lab", running_lab, "--host", "server", "--", *configured.command()),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with Service(process) as service:
        service.says("waiting for connections")
        yield configured
        assert not configured.panic.exists(), service.said


def laptop(lab: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program on `laptop`."""
    return commands.swrap("exec", "--lab", lab, "--host", "laptop", "--", *argv)


def smbclient(lab: Path, *arguments: str) -> str:
    return out(laptop(lab, installed("smbclient", "smbclient"), *LOGIN, *arguments))


@pytest.mark.parametrize("at", ["10.0.1.1", "10.0.2.1", "server"])
def test_smbclient_logs_in_lists_and_copies_there_and_back(
    running_lab: Path, samba: Samba, tmp_path: Path, at: str
) -> None:
    film, back = tmp_path / "film", tmp_path / "back"
    film.write_bytes(os.urandom(5 << 20))
    said = smbclient(running_lab, f"//{at}/data", "-c", f"put {film} film; ls; get film {back}")
    assert str(5 << 20) in said
    assert (samba.share / "film").read_bytes() == film.read_bytes()
    assert back.read_bytes() == film.read_bytes()


@pytest.mark.usefixtures("samba")
def test_smbtorture_binds_as_many_channels_as_there_may_be(running_lab: Path) -> None:
    torture = installed("smbtorture", "samba-testsuite")
    done = laptop(running_lab, torture, *LOGIN, "//10.0.1.1/data", "smb2.multichannel.generic")
    said = out(done)
    for case in ("interface_info", "num_channels"):
        assert f"success: {case}" in said
    assert "bound session2 [#32]" in done.stderr


@pytest.mark.usefixtures("samba")
def test_smbd_tells_the_interfaces_of_its_host_and_our_client_binds_channels_over_them(
    running_lab: Path,
) -> None:
    found = json.loads(out(laptop(running_lab, sys.executable, "-c", CLIENT)))
    assert found["interfaces"] == [
        ["10.0.1.1", 10**10, "RSS"],
        ["10.0.2.1", 300 * 10**6, "NONE"],
        ["fd00:2::1", 300 * 10**6, "NONE"],
    ]
    assert found["channels"] == 4


@pytest.mark.timeout(200)  # smbtorture waits for what must not come, again and again
@pytest.mark.usefixtures("samba")
def test_smbd_sends_a_lease_break_again_on_another_channel_when_a_client_blocks_the_first(
    running_lab: Path,
) -> None:
    firewall = f"{sys.executable} -m swrap.cli iptables"
    options = ("--option=torture:use_iptables=yes", f"--option=torture:iptables_command={firewall}")
    torture = (installed("smbtorture", "samba-testsuite"), *LOGIN, *options, "//10.0.1.1/data")
    host = ("exec", "--lab", running_lab, "--host", "laptop", "--")
    done = subprocess.run(
        commands.argv(*host, *torture, "smb2.multichannel.leases.test2"),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=180,
    )
    assert "success: test2" in out(done)
    assert "blocking transport2A dport" in done.stderr
    assert "Received 2 lease break(s)!!" in done.stderr, "the first was never acked, so a second was sent"


def test_wireshark_has_nothing_to_complain_of_in_a_session(
    running_lab: Path, samba: Samba, tmp_path: Path
) -> None:
    film, capture = tmp_path / "film", tmp_path / "session.pcapng"
    film.write_bytes(os.urandom(3 << 20))
    assert commands.swrap("capture", "start", capture, "--lab", running_lab).returncode == 0
    smbclient(running_lab, "//server/data", "-c", f"put {film} film; ls; get film {tmp_path / 'back'}")
    assert commands.swrap("capture", "stop", "--lab", running_lab).returncode == 0
    subprocess.run(["flock", "--shared", "--timeout", "20", capture, "true"], check=True)
    assert tshark.complaints(capture) == []
    seen = {
        int(command)
        for (command,) in tshark.packets(capture, "smb2.cmd", only="smb2 and tcp.srcport == 445")
        if command.isdigit()
    }
    assert {0, 1, 3, 5, 6, 8, 9} <= seen, "negotiate, session setup, tree connect, create, close, read, write"
    written = tshark.packets(capture, "smb2.write_length", only="smb2.cmd == 9 and tcp.dstport == 445")
    assert sum(int(length) for (length,) in written) == 3 << 20
    assert (samba.share / "film").read_bytes() == film.read_bytes()


@pytest.mark.usefixtures("samba")
@pytest.mark.parametrize(
    ("share", "what", "cipher"), [("data", "all", "AES_128_GCM"), ("private", "share", "NONE")]
)
def test_our_client_encrypts_on_all_channels_what_it_wants_to_or_the_share_demands(
    running_lab: Path, share: str, what: str, cipher: str
) -> None:
    said = out(laptop(running_lab, sys.executable, "-c", COPY, share, what))
    assert json.loads(said) == [3, True, cipher, share == "private"]


@pytest.mark.usefixtures("samba")
def test_its_helpers_end_with_the_lab(running_lab: Path) -> None:
    assert "data" in smbclient(running_lab, "--list", "//10.0.1.1"), "which smbd answers by helpers"
    directory = commands.directory_of(running_lab)
    running = {
        one.pid: Path(f"/proc/{one.pid}/comm").read_text().strip() for one in members.programs(directory)
    }
    assert {"smbd", "samba-dcerpcd"} <= set(running.values()), running
    with Watched(running) as watched:
        assert commands.swrap("down", running_lab).returncode == 0
        assert watched.left_after() == []
