"""Fixtures of the tests of labs and of the command line: a place for labs that is this test's alone, and a small network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path

import pytest

from selftest.support import commands, netns
from swrap.lab import runtime
from swrap.topology import Host, Interface, Topology

LAB_FILE = """\
hosts:
  server:
    eth0: {address: 10.0.1.1/24, speed: 10G, rss: true}
    wlan0: {address: [10.0.2.1/24, "fd00:2::1/64"], speed: 300M}
  laptop:
    eth0: 10.0.1.2/24
    wlan0: 10.0.2.2/24
"""


@pytest.fixture(autouse=True, scope="session")
def namespace() -> None:
    """Where we may, a network namespace of our own."""
    netns.enter()


@pytest.fixture(autouse=True)
def runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`XDG_RUNTIME_DIR` of this test alone; at its end nothing may be left there."""
    directory = tmp_path / "runtime"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    monkeypatch.delenv("SWRAP_LAB", raising=False)
    yield directory
    assert runtime.base_path() == directory / "swrap", "a test changed where labs go"


@pytest.fixture
def topology() -> Topology:
    """Two hosts on one segment."""
    return Topology(
        (
            Host("server", (Interface("eth0", (ip_interface("10.0.1.1/24"),)),)),
            Host("laptop", (Interface("eth0", (ip_interface("10.0.1.2/24"),)),)),
        )
    )


@pytest.fixture
def lab_file(tmp_path: Path) -> Path:
    """The same with a second network, as a file."""
    path = tmp_path / "lan.yaml"
    path.write_text(LAB_FILE)
    return path


@pytest.fixture
def running_lab(lab_file: Path) -> Iterator[Path]:
    """The file of a lab that `swrap up` keeps running."""
    process = commands.start("up", lab_file)
    try:
        assert commands.first_line(process).startswith(f"{lab_file} is up in ")
        yield lab_file
        process.terminate()
        assert process.wait() == 0
        assert not runtime.base_path().exists()
    finally:
        commands.finish([process])
