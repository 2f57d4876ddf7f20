"""Fixtures: C programs, compiled once, and the networks they run on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selftest.support.network import Network, network

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`program("handover")` is programs/handover.c, compiled; further arguments go to the compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a C compiler is missing")
    made = tmp_path_factory.mktemp("programs")

    def build(name: str, *extra: str) -> Path:
        target = made / name
        if not target.exists():
            flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]
            subprocess.run([compiler, *flags, *extra, "-o", target, PROGRAMS / f"{name}.c"], check=True)
        return target

    return build


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
