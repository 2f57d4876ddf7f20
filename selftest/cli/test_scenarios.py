"""`swrap run`, `check` and their kin: from the command line to the scenario and back to an exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from selftest.support import commands
from selftest.support.commands import here, swrap
from selftest.support.processes import Watched
from swrap.lab import registry, runtime

CALL = "import socket; s = socket.create_connection(('10.0.1.1', 80)); print(s.recv(9))"
SERVE = "import socket; s = socket.create_server(('', 80)); c, _ = s.accept(); c.sendall(b'hello')"


def scenario(path: Path, **changes: str) -> Path:
    """A program that calls another; ``changes`` replace words of the file."""
    text = f"""\
title: A call
lab:
  hosts:
    server: {{eth0: 10.0.1.1/24}}
    laptop: {{eth0: 10.0.1.2/24}}
actors:
  callee: {{host: server, protocol: none, command: [python3, -c, "{SERVE}"]}}
  caller: {{host: laptop, protocol: none, command: [python3, -c, "{CALL}"]}}
steps:
  - exit: caller
    as: call
expect:
  - {{value: $call.status, equals: STATUS}}
"""
    # The caller may be there before the callee listens; then it is refused, which is an answer too.
    text = text.replace(
        "s = socket.create_connection(('10.0.1.1', 80)); ",
        "s = socket.socket(); r = 1\\nwhile r: r = s.connect_ex(('10.0.1.1', 80))\\n",
    )
    for old, new in {"STATUS": "0", **changes}.items():
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_a_scenario_that_holds_is_0_and_leaves_nothing(tmp_path: Path) -> None:
    done = swrap("run", scenario(tmp_path / "good.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "A call" in done.stdout
    assert not runtime.base_path().exists()


def test_an_expectation_that_does_not_hold_is_1_and_the_worst_of_several_counts(tmp_path: Path) -> None:
    good, bad = scenario(tmp_path / "good.yaml"), scenario(tmp_path / "bad.yaml", STATUS="7")
    done = swrap("run", bad, good)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "bad.yaml:13" in done.stdout
    assert "7" in done.stdout


def test_bad_input_is_2_with_every_place_and_nothing_is_started(tmp_path: Path) -> None:
    one = scenario(tmp_path / "one.yaml", command="comand")
    other = scenario(tmp_path / "other.yaml", **{"host: server": "host: sever"})
    done = swrap("run", one, other, scenario(tmp_path / "good.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    places = [line.split(": ")[0] for line in done.stderr.splitlines()]
    assert places == [f"{one}:7:42", f"{one}:8:42", f"{other}:7:18"]
    assert "did you mean 'command'?" in done.stderr
    assert "did you mean 'server'?" in done.stderr


def test_a_harness_that_fails_is_3(tmp_path: Path) -> None:
    done = swrap("run", scenario(tmp_path / "lost.yaml", python3="no-such-program"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no-such-program: not found in PATH" in done.stdout + done.stderr


def test_a_fault_that_touches_nothing_is_4(tmp_path: Path) -> None:
    path = scenario(tmp_path / "idle.yaml", **{"steps:\n": "steps:\n  - reset: {port: 99}\n"})
    done = swrap("run", path)
    assert done.returncode == 4, done.stdout + done.stderr


def test_a_simulated_run_is_verified_and_explored() -> None:
    story = Path(__file__).resolve().parents[2] / "scenarios" / "link-switching" / "reset.yaml"
    done = swrap("run", "--backend", "fake", "--verify", story)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "twice the same; pass" in done.stdout
    done = swrap("run", "--backend", "fake", "--seeds", "3", "--seed", "40", story)
    assert (done.returncode, done.stdout) == (0, f"{story}: 0 of 3 seeds failed\n")


def test_a_simulated_run_ends_when_it_is_told_to(tmp_path: Path) -> None:
    story = Path(__file__).resolve().parents[2] / "scenarios" / "link-switching" / "lan-to-wifi.yaml"
    command = [sys.executable, "-m", "swrap.cli", "run", "--backend", "fake", "--pace", "0.5", str(story)]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        try:
            assert run.stdout is not None
            assert any("copy" in line for line in run.stdout)
            run.send_signal(signal.SIGTERM)
            run.stdout.read()
            assert run.wait(20) == 128 + signal.SIGTERM
        finally:
            run.kill()
    assert list(temporary.iterdir()) == []


def test_a_real_program_is_not_simulated_and_that_is_said(tmp_path: Path) -> None:
    done = swrap("run", scenario(tmp_path / "good.yaml"), "--backend", "fake")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "is a real program; use --backend shim" in done.stdout + done.stderr
    done = swrap("run", scenario(tmp_path / "good.yaml"), "--verify")
    assert done.returncode == 2
    assert "for --backend fake" in done.stderr


def test_every_report_is_written(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("events", "junit", "html")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    done = swrap("run", scenario(tmp_path / "good.yaml"), "--json", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    lines = files["events"].read_text().splitlines()
    assert any(json.loads(line).get("kind") == "run-ended" for line in lines)
    assert ET.parse(files["junit"]).getroot() is not None
    assert "<html" in files["html"].read_text()


def test_a_report_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    done = swrap("run", scenario(tmp_path / "good.yaml"), "--junit", tmp_path / "no" / "such" / "folder.xml")
    assert done.returncode == 3
    assert str(tmp_path / "no" / "such") in done.stderr
    assert done.stdout == ""


def test_ctrl_c_ends_a_run_with_130_and_nothing_is_left(tmp_path: Path) -> None:
    waiting = scenario(
        tmp_path / "long.yaml", **{SERVE: "import signal; signal.pause()", "exit: caller": "exit: callee"}
    )
    process = commands.start("run", waiting)
    try:
        while commands.first_line(process).find("exit callee") < 0:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        assert not runtime.base_path().exists()
    finally:
        commands.finish([process])


def test_a_run_whose_switch_is_killed_is_3_and_one_that_is_killed_itself_leaves_nothing(
    tmp_path: Path,
) -> None:
    waiting = scenario(
        tmp_path / "long.yaml", **{SERVE: "import signal; signal.pause()", "exit: caller": "exit: callee"}
    )
    for part in ("switch", "owner"):
        process = commands.start("run", waiting)
        try:
            while commands.first_line(process).find("exit callee") < 0:
                pass
            (lab,) = registry.of_file(waiting)
            keeper = lab.record.keeper
            assert keeper is not None
            with Watched([keeper.pid]) as keeping:
                os.kill(getattr(lab.record, part).pid, signal.SIGKILL)
                process.communicate()
                assert process.returncode == {"switch": 3, "owner": -9}[part]
                assert keeping.left_after() == []
            assert not runtime.base_path().exists()
        finally:
            commands.finish([process])


def test_check_tells_every_mistake_and_runs_nothing(tmp_path: Path, lab_file: Path) -> None:
    good = scenario(tmp_path / "good.yaml")
    done = here("check", good, lab_file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    bad = scenario(tmp_path / "bad.yaml", exit="exist", equals="eqals")
    lab_file.write_text("hosts: {a: {eth0: nonsense}}\n")
    done = here("check", bad, lab_file, tmp_path / "none.yaml")
    assert done.returncode == 2
    places = [line.split(": ")[0] for line in done.stdout.splitlines()]
    assert f"{bad}:10:5" in places
    assert any(place.startswith(f"{bad}:13:") for place in places)
    assert f"{lab_file}:1:19" in places
    assert "none.yaml:1:1: cannot be read: No such file or directory" in done.stdout


def test_schema_is_json_schema_of_draft_07() -> None:
    schema = json.loads(here("schema").stdout)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "steps" in schema["properties"]


def test_events_lists_the_kinds_of_everybody_who_makes_any() -> None:
    text = here("events").stdout
    kinds = json.loads(here("events", "--json").stdout)
    sources = {kind["source"] for kind in kinds}
    assert {"run", "network", "smb-client", "smb-server"} <= sources
    assert all(f"  {kind['kind']}: " in text for kind in kinds)
    assert "  session-opened: " in text


def test_actors_lists_what_can_be_told_to_whom() -> None:
    text = here("actors").stdout
    assert "smb-client:\n" in text
    assert "  login: " in text


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["exec", "--help"], []])
def test_help_is_plain_text_and_no_mistake(words: list[str]) -> None:
    done = subprocess.run(commands.argv(*words), capture_output=True, text=True, check=False)
    assert done.returncode == (0 if words else 2)
    assert "Usage: swrap" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout


def test_a_mistyped_command_or_option_gets_a_suggestion() -> None:
    assert "Did you mean 'exec'" in here("exce").stderr
    done = here("run", "--jsno", "x.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--json" in done.stderr
