"""The fixtures for tests of other projects."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selftest.support.lab_fixtures import lab_file, namespace, runtime_directory
from swrap.document import BadInput
from swrap.fake import Network
from swrap.lab.errors import NoProgram, Refused
from swrap.testing import RealLab

__all__ = ["lab_file", "namespace", "runtime_directory"]

Labs = Callable[[Any], RealLab]
HOSTS = {"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}}

PORT = 7000


async def serve() -> None:
    async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(pong, port=PORT) as server:
        await server.serve_forever()


async def ask(host: str) -> bytes:
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(host, PORT)
        writer.write(b"ping\n")
        answer = await reader.readline()
        writer.close()
        return answer


def test_two_hosts_a_link_and_a_partition_in_ten_lines(fake_network: Callable[[Any], Network]) -> None:
    network = fake_network(HOSTS)

    async def story() -> list[object]:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        answers: list[object] = [await network.on("laptop", ask, "10.0.0.1")]
        await network.do("cut", ["server", "laptop"])
        answers += await asyncio.gather(network.on("laptop", ask, "10.0.0.1"), return_exceptions=True)
        return answers

    first, second = network.run(story)
    assert first == b"ping\n"
    assert isinstance(second, TimeoutError)


ECHO = """\
import socket, sys
listener = socket.create_server(("", 7000))
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    peer.sendall(peer.recv(100))
"""
CALL = """\
import socket, sys
peer = socket.create_connection((sys.argv[1], 7000), timeout=1)
peer.sendall(b"ping")
print(peer.recv(100).decode())
"""


def test_real_programs_meet_a_cut(lab: Labs) -> None:
    network = lab(HOSTS)
    server = network.start("server", [sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    call = [sys.executable, "-c", CALL, "10.0.0.1"]
    assert network.run("laptop", call).stdout == "ping\n"
    network.do("cut", ["server", "laptop"])
    assert "TimeoutError" in network.run("laptop", call).stderr
    network.do("heal")
    assert network.run("laptop", call).stdout == "ping\n"


def test_a_lab_is_that_of_a_file_and_ends_with_all_that_runs_in_it(
    lab_file: Path, runtime_directory: Path
) -> None:
    with RealLab(lab_file) as network:
        assert list(network.topology.interface_names()) == [
            "server.eth0", "server.wlan0", "laptop.eth0", "laptop.wlan0",
        ]  # fmt: skip
        left = network.start("laptop", ["sleep", "1000"])
    assert left.returncode < 0
    assert not network.directory.exists()
    network.close()


def test_what_a_lab_refuses_is_said(lab: Labs, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="adress"):
        lab({"server": {"eth0": {"adress": "10.0.0.1/24"}}})
    with pytest.raises(BadInput, match="no-such-file"):
        lab(tmp_path / "no-such-file.yaml")
    network = lab(HOSTS)
    with pytest.raises(Refused, match="did you mean 'server'"):
        network.run("sever", ["true"])
    with pytest.raises(NoProgram, match="no-such-program"):
        network.run("server", ["no-such-program"])
    with pytest.raises(ValueError, match="did you mean 'cut'"):
        network.do("cutt", ["server", "laptop"])
    with pytest.raises(subprocess.TimeoutExpired):
        network.run("server", ["sleep", "1000"], timeout=0.1)


def pytest_of(tmp_path: Path, test: str, **options: Any) -> str:
    """What pytest says of a file with that test."""
    (tmp_path / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_where_the_machine_can_have_no_lab_the_test_is_skipped_with_the_reason(tmp_path: Path) -> None:
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    said = pytest_of(tmp_path, "def test(lab): lab({})", preexec_fn=little)
    assert "1 skipped" in said
    assert "no lab on this machine: file descriptors: at most 100 a process" in said


def test_the_plugin_is_quiet_when_unused(tmp_path: Path) -> None:
    test = "import sys\ndef test():\n    assert not {'swrap.fake', 'swrap.lab', 'swrap.abi'} & set(sys.modules)\n"
    said = pytest_of(tmp_path, test)
    assert "1 passed" in said
    assert "swrap" not in said.replace("plugins: ", "").replace("swrap-", "")
