"""What the README shows is true: its scenario runs, and its commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.support.lab_fixtures import namespace, runtime_directory

__all__ = ["namespace", "runtime_directory"]

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def swrap(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "swrap.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_its_scenario_runs_and_passes(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "story.yaml").write_text(text)
    done = swrap("run", tmp_path / "story.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_its_tests_pass(tmp_path: Path, runtime_directory: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "test_partition.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("command", sorted(set(re.findall(r"swrap ([a-z]+)\b", README)) - {"runs"}))
def test_its_commands_exist(command: str) -> None:
    assert swrap(command, "--help").returncode == 0


def test_its_targets_exist() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`?make (\w+)", README)) - {"After"} <= set(targets)


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
