"""Fixtures for tests of other projects: quiet when unused.

``fake_network(lab)`` makes a ``swrap.fake.Network``; ``--fake-seed`` is what its chance comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from swrap.fake import Network


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("swrap")
    group.addoption("--fake-seed", type=int, default=0, help="seed of fake networks (default: 0)")


@pytest.fixture
def fake_network(request: pytest.FixtureRequest) -> Callable[[Any], Network]:
    """``fake_network({"server": {"eth0": "10.0.0.1/24"}, …})``: see ``swrap.fake.Network``."""
    from swrap.fake import Network

    seed: int = request.config.getoption("--fake-seed")
    return lambda lab: Network(lab, seed)
