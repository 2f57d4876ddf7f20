"""The portable promises on back ends that are processes: each part a Python program in its host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selftest.conformance.backends import Backend
from selftest.conformance.portable import PROMISES

PORTABLE = Path(__file__).with_name("portable.py")


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise(backend: Backend, promise: str, family: str) -> None:
    addresses = [backend.address(family, host) for host in ("server", "laptop")]
    program: list[str | Path] = [sys.executable, PORTABLE]
    if PROMISES[promise].laptop is None:
        done = backend.run("server", *program, "server", promise, family, *addresses)
        assert done.returncode == 0, done.stderr
        return
    if not backend.two_hosts:
        pytest.skip("needs root, or leave to make namespaces")
    with backend.start("server", [*program, "server", promise, family, *addresses]) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n", server.communicate(timeout=10)
            visit = backend.run("laptop", *program, "laptop", promise, family, *addresses)
            assert visit.returncode == 0, visit.stderr
            _, err = server.communicate(timeout=30)
            assert server.returncode == 0, err
        finally:
            server.kill()
