"""A switch for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.switch.driver import Switched, switched


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Switched]:
    """A running switch, unimpaired, with the limits of a kernel."""
    with switched(tmp_path / "lab") as running:
        yield running
