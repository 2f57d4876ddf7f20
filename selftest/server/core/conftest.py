"""A core for each test, and the promise that none of them makes it fail in itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.smb_peer import InProcess, config


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InProcess]:
    with InProcess(config(tmp_path)) as running:
        yield running
    assert not running.failures.lines, "an error of the server's own"
