"""Fixtures: C programs, compiled once, and the networks they run on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.network import Network, network
from selftest.support.programs import Program, compiled
from swrap.switch.client import control_call


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """programs/*.c, compiled when asked for."""
    return compiled(Path(__file__).parent / "programs", tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module", params=["direct", "switched"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The same network, without a switch and with one."""
    with network(tmp_path_factory.mktemp("net") / "lab", direct=request.param == "direct") as running:
        yield running


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The same network with a switch, for what cannot be without one."""
    with network(tmp_path_factory.mktemp("net") / "lab") as running:
        yield running


@pytest.fixture
def cabled(switched: Network) -> Iterator[Network]:
    """The same, and every cable is in again afterwards."""
    yield switched
    control_call(switched.directory, "heal")


@pytest.fixture(scope="session")
def ip() -> str:
    """iproute2's program."""
    found = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("ip (iproute2) is missing")
    return found
