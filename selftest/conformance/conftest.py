"""Fixtures of the promises, and what becomes of one that a back end is known not to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.conformance.backends import BACKENDS, Backend
from selftest.conformance.differences import expected
from selftest.support.programs import Program, compiled

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """programs/*.c, compiled when asked for."""
    return compiled(HERE / "programs", tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each back end in turn."""
    with BACKENDS[request.param](tmp_path_factory.mktemp("net") / "lab") as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A promise that a back end breaks on purpose has to fail there: if it is kept, the list is wrong."""
    for item in items:
        if not isinstance(item, pytest.Function) or not item.path.is_relative_to(HERE):
            continue
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if difference := expected(params.get("promise"), params.get("backend"), params.get("family")):
            item.add_marker(pytest.mark.xfail(reason=difference.reason, strict=True))
