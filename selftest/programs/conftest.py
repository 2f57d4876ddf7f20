"""The network on which real programs run: two hosts, without a switch and with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support import netns
from selftest.support.network import Network, network


@pytest.fixture(autouse=True, scope="session")
def namespace() -> None:
    """Where we may, a network namespace of our own."""
    netns.enter()


@pytest.fixture(scope="module", params=["direct", "switched"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """`server` and `laptop`, on two networks."""
    directory: Path = tmp_path_factory.mktemp("net") / "lab"
    with network(directory, direct=request.param == "direct") as running:
        yield running
