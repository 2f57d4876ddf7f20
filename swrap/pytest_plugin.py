"""Fixtures for tests of other projects: quiet when unused.

``fake_network(hosts)`` makes a ``swrap.fake.Network``; ``--fake-seed`` is what its chance comes from.
``lab(hosts or file)`` starts a ``swrap.testing.RealLab``, which ends with the test; where this machine cannot
have one, the test is skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from swrap.fake import Network
    from swrap.testing import Described, RealLab


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


@pytest.fixture(scope="session")
def _what_lacks() -> str | None:
    """Why there can be no lab on this machine; None: there can."""
    try:
        from swrap.lab import trials
    except ImportError as error:
        return f"no lab on this machine: {error}"
    for one in trials.all_findings():
        if not one.fine:
            remedy = f" ({one.remedy})" if one.remedy else ""
            return f"no lab on this machine: {one.name}: {one.found}{remedy}"
    return None


@pytest.fixture
def lab(_what_lacks: str | None) -> Iterator[Callable[[Described], RealLab]]:
    """``lab({"server": {"eth0": "10.0.0.1/24"}, …})`` or ``lab("lan.yaml")``: see ``swrap.testing.RealLab``."""
    if _what_lacks is not None:
        pytest.skip(_what_lacks)
    from swrap.testing import RealLab

    with ExitStack() as running:
        yield lambda described: running.enter_context(RealLab(described))
