"""The server's table stands beside whatever rivals there are, in a network of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selftest.bench.server.rivals import OURS, Rival, ours
from selftest.bench.server.rows import TASKS

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "selftest.bench", "--rounds", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)


def test_a_row_says_what_was_seen_and_what_is_to_be() -> None:
    done = bench("server-echo", "server-handover")
    assert done.returncode == 0, done.stderr
    assert "≥ 0.8 " in done.stdout or "no smbd here" in done.stdout
    assert "≥ 8 " in done.stdout or "no impacket here" in done.stdout
    assert "≤ 2 " in done.stdout
    assert "log-in" not in done.stdout, "nobody asked for it"


def test_a_name_that_is_none_is_named() -> None:
    assert "no benchmark server-ech; there are server-echo" in bench("server-ech").stderr


@pytest.fixture(scope="module")
def rival(tmp_path_factory: pytest.TempPathFactory) -> Rival:
    with ours(tmp_path_factory.mktemp("bench") / OURS) as running:
        yield running


@pytest.mark.parametrize("name", TASKS)
def test_each_task_is_done_and_answered(rival: Rival, name: str) -> None:
    task = TASKS[name](rival)
    assert task.run(0.01) > 0
    task.close()
