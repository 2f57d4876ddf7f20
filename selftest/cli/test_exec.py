"""`swrap exec`: a program inside a host, as if the user had started it: its output, its input, its exit status."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.support import commands
from selftest.support.commands import swrap
from swrap.lab import registry, runtime


@pytest.mark.parametrize(
    ("command", "status"),
    [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 77"], 77), (["sh", "-c", "kill -9 $$"], 137)],
)
def test_the_exit_status_is_the_programs(command: list[str], status: int, lab_file: Path) -> None:
    assert swrap("exec", "--", *command).returncode == status
    assert swrap("exec", "--lab", lab_file, "--host", "laptop", "--", *command).returncode == status
    assert not runtime.base_path().exists()


def test_the_exit_status_is_the_programs_when_it_joins(running_lab: Path) -> None:
    assert (
        swrap("exec", "--lab", running_lab, "--host", "laptop", "--", "sh", "-c", "exit 77").returncode == 77
    )
    # It took the command's place, so a signal that ends it is seen as it is.
    assert (
        swrap("exec", "--lab", running_lab, "--host", "laptop", "--", "sh", "-c", "kill -9 $$").returncode
        == -9
    )


def test_input_and_output_pass_through(running_lab: Path) -> None:
    for where in ([], ["--lab", running_lab, "--host", "laptop"]):
        process = commands.start(
            "exec", *where, "--", "sh", "-c", "cat; echo bad >&2", stderr=subprocess.PIPE
        )
        assert process.communicate("good\n") == ("good\n", "bad\n")


def test_two_commands_with_the_same_file_share_a_lab_for_as_long_as_the_first_lives(lab_file: Path) -> None:
    serve = "import http.server, functools; print('up', flush=True); "
    serve += "http.server.HTTPServer(('', 80), http.server.BaseHTTPRequestHandler).serve_forever()"
    server = commands.start(
        "exec", "--lab", lab_file, "--host", "server", "--", "python3", "-c", serve, stderr=subprocess.DEVNULL
    )
    try:
        assert commands.first_line(server) == "up"
        fetch = "import urllib.request, urllib.error\ntry: urllib.request.urlopen('http://10.0.1.1/')\nexcept urllib.error.HTTPError as e: print(e.code)"
        done = swrap("exec", "--lab", lab_file, "--host", "laptop", "--", "python3", "-c", fetch)
        assert (done.stdout, done.returncode) == ("501\n", 0), done.stderr
        assert len(registry.running()) == 1
        server.terminate()
        assert server.wait() == 143
        assert not runtime.base_path().exists()
    finally:
        commands.finish([server])


def test_commands_that_are_started_together_become_one_lab(lab_file: Path) -> None:
    both = [
        commands.start("exec", "--lab", lab_file, "--host", host, "--", "sh", "-c", "echo $SWRAP_LAB; cat")
        for host in ("server", "laptop")
    ]
    try:
        assert len({commands.first_line(one) for one in both}) == 1
    finally:
        commands.finish(both)


def test_a_private_network_has_one_host_with_an_address_of_its_own() -> None:
    code = "import socket; s = socket.create_server(('10.0.0.1', 80)); print(s.getsockname()); print(socket.if_nameindex())"
    done = swrap("exec", "--host", "alone", "--", "python3", "-c", code)
    assert done.stdout == "('10.0.0.1', 80)\n[(1, 'lo'), (2, 'eth0')]\n", done.stderr


def test_two_private_networks_do_not_see_each_other() -> None:
    serve = "import socket; s = socket.create_server(('10.0.0.1', 80)); print('up', flush=True); s.accept()"
    server = commands.start("exec", "--", "python3", "-c", serve)
    try:
        assert commands.first_line(server) == "up"
        code = "import socket; socket.create_connection(('10.0.0.1', 80))"
        done = swrap("exec", "--", "python3", "-c", code)
        assert "ConnectionRefusedError" in done.stderr
    finally:
        commands.finish([server])


def test_a_program_that_goes_round_the_shim_meets_the_guard_unless_that_is_switched_off(
    tmp_path: Path,
) -> None:
    source = "#include <sys/socket.h>\n#include <errno.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }"
    static = tmp_path / "static"
    subprocess.run(["gcc", "-static", "-x", "c", "-o", static, "-"], input=source, text=True, check=True)
    assert swrap("exec", "--", "sh", "-c", f"{static}").returncode == errno.EAFNOSUPPORT
    assert swrap("exec", "--no-guard", "--", "sh", "-c", f"{static}").returncode == 0


def test_the_program_inherits_nothing_but_its_three_streams(running_lab: Path) -> None:
    for where in ([], ["--lab", running_lab, "--host", "laptop"]):
        done = swrap("exec", *where, "--", "ls", "/proc/self/fd")
        assert done.stdout.split() == ["0", "1", "2", "3"], "the fourth is ls's own, of the folder"


def test_what_python_ignores_is_not_ignored_in_the_program(running_lab: Path) -> None:
    """CPython ignores SIGPIPE and SIGXFSZ; what our own parent had us ignore is its affair."""
    pythons = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1
    for where in ([], ["--lab", running_lab, "--host", "laptop"]):
        done = swrap("exec", *where, "--", "grep", "SigIgn", "/proc/self/status")
        assert int(done.stdout.split()[1], 16) & pythons == 0
        done = swrap("exec", *where, "--", "grep", "SigBlk", "/proc/self/status")
        assert int(done.stdout.split()[1], 16) == 0


def test_options_after_the_program_are_the_programs() -> None:
    assert swrap("exec", "echo", "--lab", "-h", "--").stdout == "--lab -h --\n"


def test_what_is_preloaded_already_stays() -> None:
    done = swrap("exec", "--", "sh", "-c", "echo $LD_PRELOAD", env={**os.environ, "LD_PRELOAD": "libm.so.6"})
    assert done.stdout.rstrip().endswith("/libswrap.so:libm.so.6")


def test_what_cannot_be_run_is_refused_before_a_lab_is_started(lab_file: Path, tmp_path: Path) -> None:
    static = tmp_path / "static"
    subprocess.run(
        ["gcc", "-static", "-x", "c", "-o", static, "-"],
        input="int main(void){return 0;}",
        text=True,
        check=True,
    )
    for program, status, reason in (
        (static, 126, "statically linked"),
        ("/no/such/program", 127, "no such file"),
        ("no-such-program", 127, "not found in PATH"),
        (lab_file, 126, "not executable"),
    ):
        done = swrap("exec", "--lab", lab_file, "--host", "server", "--", program)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith("swrap: ")
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_lab_of_many_hosts_wants_to_know_which(lab_file: Path) -> None:
    done = swrap("exec", "--lab", lab_file, "--", "true")
    assert (done.returncode, done.stderr) == (2, f"swrap: --host is missing; {lab_file} has server, laptop\n")
    done = swrap("exec", "--lab", lab_file, "--host", "sever", "--", "true")
    assert (done.returncode, done.stderr) == (
        2,
        f"swrap: no host 'sever' in {lab_file}; did you mean 'server'?\n",
    )


def test_a_typo_in_the_lab_is_told_with_its_place(lab_file: Path) -> None:
    lab_file.write_text(lab_file.read_text().replace("speed: 10G", "sped: 10G"))
    done = swrap("exec", "--lab", lab_file, "--host", "server", "--", "true")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{lab_file}:3:")
    assert "'speed'" in done.stderr


def test_inside_a_host_the_lab_is_known(running_lab: Path) -> None:
    inner = [*commands.argv("exec", "--host", "laptop"), "--", "sh", "-c", "echo $SWRAP_HOST $SWRAP_LAB"]
    done = swrap(
        "exec",
        "--lab",
        running_lab,
        "--host",
        "server",
        "--",
        *inner,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.stdout == f"laptop {commands.directory_of(running_lab)}\n", done.stderr


def test_a_package_in_a_folder_with_a_blank_can_be_preloaded_all_the_same(tmp_path: Path) -> None:
    # LD_PRELOAD knows no escape; the lab has a link of its own then.
    code = f"""
import pathlib, shutil, sys
import swrap.abi.paths as paths
from swrap.lab import environment
real, odd = paths.libswrap(), pathlib.Path({str(tmp_path / "my folder")!r})
odd.mkdir()
shutil.copy(real, odd)
environment.libswrap = lambda: odd / "libswrap.so"
from swrap.cli import main
sys.argv = ["swrap", "exec", "--", "grep", "-o", "my folder/libswrap.so", "-m1", "/proc/self/maps"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "my folder/libswrap.so\n", done.stderr
