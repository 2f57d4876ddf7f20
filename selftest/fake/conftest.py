"""A network of two hosts, and how to run programs on it."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from swrap.fake import Network

T = TypeVar("T")
SERVER, LAPTOP = "10.0.0.1", "10.0.0.2"
LAB = {
    "server": {"eth0": {"address": ["10.0.0.1/24", "fd00::1/64"], "speed": "10G"}, "wlan0": "10.0.1.1/24"},
    "laptop": {"eth0": {"address": ["10.0.0.2/24", "fd00::2/64"]}, "wlan0": "10.0.1.2/24"},
}


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_collector() -> Iterator[None]:
    """What a world leaves behind has to be gone without a word: warnings are errors here."""
    yield
    gc.collect()


@pytest.fixture
def network() -> Network:
    """The two hosts, joined by two cables."""
    return Network(LAB, seed=1)


@pytest.fixture
def on_server(network: Network) -> Callable[[Callable[[], Awaitable[T]]], T]:
    """Run one program on the server and nothing else; what it returns."""
    return lambda main: network.run(lambda: network.on("server", main))
