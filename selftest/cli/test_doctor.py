"""`swrap doctor` tries what a lab needs, and says of a program whether it can be wrapped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.support.commands import here
from swrap.abi.paths import libswrap
from swrap.lab import runtime, trials


def test_a_machine_on_which_these_tests_run_lacks_nothing() -> None:
    done = here("doctor")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) >= 9
    assert all(line.startswith("ok ") for line in lines)
    assert str(libswrap()) in done.stdout
    assert not runtime.base_path().exists(), "it leaves nothing behind"


def test_a_program_is_judged_too(tmp_path: Path) -> None:
    static = tmp_path / "static"
    subprocess.run(
        ["gcc", "-static", "-x", "c", "-o", static, "-"],
        input="int main(void){return 0;}",
        text=True,
        check=True,
    )
    done = here("doctor", static)
    assert done.returncode == 1
    assert f"NO  {static}" in done.stdout
    assert "statically linked" in done.stdout
    assert here("doctor", "cat").returncode == 0
    assert "not found in PATH" in here("doctor", "no-such-program").stdout


def test_findings_are_had_as_json() -> None:
    found = json.loads(here("doctor", "--json", "cat").stdout)
    assert all(one["fine"] for one in found)
    assert found[-1]["name"] == "cat"


def test_a_limit_of_descriptors_is_counted_in_flows() -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (132, 132)); from swrap.cli import main; main()"

    done = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "at most 132 a process: 26 flows in a switch's first table" in done.stdout
    assert "10,000 flows take 173" in done.stdout
    assert "→ ulimit -Hn" in done.stdout


def test_a_library_that_cannot_be_loaded_is_found_out_though_the_loader_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "libswrap.so"
    broken.write_bytes(libswrap().read_bytes()[:1000])
    monkeypatch.setattr(trials, "libswrap", lambda: broken)
    finding = next(one for one in trials.all_findings() if "preloaded" in one.name)
    assert not finding.fine
    assert str(broken) in finding.found


def test_a_directory_that_is_not_ours_alone_is_found_out(runtime_directory: Path) -> None:
    (runtime_directory / "swrap").mkdir()
    (runtime_directory / "swrap").chmod(0o755)
    finding = next(one for one in trials.all_findings() if "labs" in one.name)
    assert not finding.fine
    assert "open to others" in finding.found
    assert os.fspath(runtime_directory) in finding.found
