"""`swrap up` keeps a lab; others find it by file or directory; `swrap down` ends it and all that runs in it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from selftest.support import commands
from selftest.support.commands import here, swrap
from selftest.support.processes import Watched
from swrap.lab import members, registry, runtime


def test_up_tells_what_is_there_and_ends_at_ctrl_c(lab_file: Path) -> None:
    process = commands.start("up", lab_file)
    try:
        directory = runtime.base_path()
        assert commands.first_line(process).startswith(f"{lab_file} is up in {directory}/lan-")
        assert commands.first_line(process) == "  server  eth0 10.0.1.1/24; wlan0 10.0.2.1/24, fd00:2::1/64"
        assert commands.first_line(process) == "  laptop  eth0 10.0.1.2/24; wlan0 10.0.2.2/24"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert not directory.exists()
    finally:
        commands.finish([process])


def test_a_lab_in_the_background_outlives_its_command_and_its_terminal(lab_file: Path) -> None:
    done = swrap("up", lab_file, "--detach")
    assert (done.returncode, done.stderr) == (0, "")
    assert "is up in" in done.stdout
    record = registry.of_file(lab_file)[0].record
    assert os.getsid(record.owner.pid) == record.owner.pid
    assert Path(f"/proc/{record.owner.pid}/fd/1").readlink() == Path("/dev/null")
    done = swrap("down")
    assert (done.returncode, done.stdout) == (0, f"{lab_file} is down\n")
    assert not runtime.base_path().exists()


def test_a_lab_in_the_background_that_cannot_start_says_why(lab_file: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").touch()
    (tmp_path / "full").chmod(0o700)
    done = swrap("up", lab_file, "--detach", "--dir", tmp_path / "full")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"swrap: {tmp_path / 'full'}: not empty, and not the directory of a lab\n"
    lab_file.write_text("hosts: {server: {eth0: 10.0.1.300/24}}\n")
    done = swrap("up", lab_file, "--detach")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{lab_file}:1:24: ")


def test_down_ends_every_program_and_the_owner_is_content(lab_file: Path) -> None:
    owner = commands.start("up", lab_file)
    joined = None
    try:
        commands.first_line(owner)
        joined = commands.start(
            "exec", "--lab", lab_file, "--host", "server", "--", "sh", "-c", "sleep 1000 & echo $!; wait"
        )
        sleeping = int(commands.first_line(joined))
        with Watched([sleeping, joined.pid]) as programs:
            assert swrap("down", lab_file).returncode == 0
            assert programs.left_after() == []
        assert owner.wait() == 0
    finally:
        commands.finish([one for one in (owner, joined) if one])


def test_down_from_inside_a_host_of_the_lab_is_carried_out_to_its_end(
    lab_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert swrap("up", lab_file, "--detach").returncode == 0
    exported = here("env", "--lab", lab_file, "--host", "laptop").stdout
    # As a user does: the variables into his own shell, some work, and down.
    script = f"{exported}\n{' '.join(commands.argv('down'))}\necho down: $?"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{lab_file} is down\ndown: 0\n", done.stderr
    assert not runtime.base_path().exists()


def test_the_same_file_is_up_once_unless_it_gets_a_directory_of_its_own(
    running_lab: Path, tmp_path: Path
) -> None:
    done = swrap("up", running_lab)
    assert done.returncode == 2
    assert "runs already, in" in done.stderr
    other = commands.start("up", running_lab, "--dir", tmp_path / "other")
    try:
        assert commands.first_line(other) == f"{running_lab} is up in {tmp_path / 'other'}"
        done = here("ss")
        assert done.returncode == 2
        assert "several labs run; --lab names one" in done.stderr
        assert str(tmp_path / "other") in done.stderr
        done = here("ss", "--lab", running_lab)
        assert "several labs run from" in done.stderr
        assert here("ss", "--lab", tmp_path / "other").returncode == 0
        assert swrap("down", tmp_path / "other").returncode == 0
        assert not (tmp_path / "other").exists()
        assert here("ss").returncode == 0, "one is left, so it is that one"
    finally:
        commands.finish([other])


def test_a_lab_whose_switch_was_killed_ends_with_status_3_and_the_reason(lab_file: Path) -> None:
    process = commands.start("up", lab_file, stderr=subprocess.PIPE)
    try:
        commands.first_line(process)
        switch = registry.of_file(lab_file)[0].record.switch
        assert switch is not None
        os.kill(switch.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == 3
        assert errors == f"swrap: {lab_file}: the lab has failed: the switch was killed by SIGKILL\n"
    finally:
        commands.finish([process])


def test_the_lab_of_a_scenario_can_be_up_too(tmp_path: Path, lab_file: Path) -> None:
    scenario = tmp_path / "story.yaml"
    scenario.write_text(f"title: x\nlab: {lab_file.name}\nsteps: []\n")
    process = commands.start("up", scenario)
    try:
        commands.first_line(process)
        for name in (scenario, lab_file):
            done = swrap("exec", "--lab", name, "--host", "laptop", "--", "sh", "-c", "echo $SWRAP_LAB")
            assert done.stdout == f"{commands.directory_of(lab_file)}\n", done.stderr
        assert list(members.programs(commands.directory_of(lab_file))) == []
    finally:
        process.terminate()
        process.wait()
        commands.finish([process])
