"""A program on a terminal: Ctrl-C is the program's, Ctrl-Z stops both and `fg` continues both, signals are passed on once."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support import commands
from selftest.support.processes import DEADLINE
from swrap.lab import proc, runtime

COUNTING = """
import os, signal, sys, time
seen = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
    signal.signal(number, lambda n, _: os.write(1, f"got {signal.Signals(n).name}\\n".encode()))
print("ready", os.getpid(), flush=True)
for line in sys.stdin:
    if line == "end\\n":
        break
    print("read", line, end="", flush=True)
sys.exit(7)
"""


class Terminal:
    """A session on a terminal of its own, with a command in its foreground, as an interactive shell would start it."""

    def __init__(self, *command: object) -> None:
        self.output = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self._child(command)

    def _child(self, command: tuple[object, ...]) -> None:
        # The session's leader stands for the shell: it starts a job in a group of its own and watches it.
        try:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            job = os.fork()
            if job == 0:
                os.setpgid(0, 0)
                os.tcsetpgrp(0, os.getpgrp())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                words = commands.argv(*command)
                os.execv(words[0], words)
            while True:
                _, status = os.waitpid(job, os.WUNTRACED)
                if not os.WIFSTOPPED(status):
                    os._exit(os.waitstatus_to_exitcode(status))
                os.tcsetpgrp(0, os.getpgrp())
                os.write(1, b"stopped\n")  # Python's own streams are pytest's here
                os.read(0, 100)
                os.tcsetpgrp(0, job)
                os.killpg(job, signal.SIGCONT)
        finally:
            os._exit(99)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.fd, text.encode())

    def expect(self, text: str) -> str:
        """Wait until the output has this; what came up to the end of its line, which is used up."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.output or "\n" not in self.output.partition(text)[2]:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come; there is {self.output!r}"
            try:
                self.output += os.read(self.fd, 4096).decode()
            except OSError:
                pytest.fail(f"{text!r} did not come before the end; there is {self.output!r}")
        before, _, rest = self.output.partition(text)
        line, _, self.output = rest.partition("\n")
        return before + text + line.rstrip("\r")

    def wait(self) -> int:
        """The exit status of the command."""
        try:
            while data := os.read(self.fd, 4096):
                self.output += data.decode()
        except OSError:
            pass  # EIO: nobody has the terminal open any more
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """End it if it has not ended."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(params=["private", "of a file", "joined"])
def terminal(request: pytest.FixtureRequest, lab_file: Path) -> Iterator[Terminal]:
    """The counting program on a terminal, in a lab that its command started, or that it joined."""
    where: list[object] = [] if request.param == "private" else ["--lab", lab_file, "--host", "laptop"]
    if request.param == "joined":
        request.getfixturevalue("running_lab")
    terminal = Terminal("exec", *where, "--", "python3", "-c", COUNTING)
    try:
        yield terminal
    finally:
        terminal.close()


def test_ctrl_c_is_the_programs_and_comes_once(terminal: Terminal) -> None:
    terminal.expect("ready")
    terminal.type("\x03")
    terminal.expect("got SIGINT")
    terminal.type("hello\n")
    between = terminal.expect("read hello")
    assert "got" not in between
    terminal.type("\x1c")
    terminal.expect("got SIGQUIT")
    terminal.type("end\n")
    assert terminal.wait() == 7
    assert "got" not in terminal.output


def test_ctrl_z_stops_the_whole_job_and_it_goes_on_when_continued(terminal: Terminal) -> None:
    program = int(terminal.expect("ready").split()[-1])
    terminal.type("\x1a")
    terminal.expect("stopped")
    deadline = time.monotonic() + 10  # no event tells that a process of somebody else's has stopped
    while (found := proc.stat(program)) and found.state != "T" and time.monotonic() < deadline:
        os.sched_yield()
    assert found is not None
    assert found.state == "T"
    terminal.type("\n")
    terminal.type("hello\n")
    terminal.expect("read hello")
    terminal.type("end\n")
    assert terminal.wait() == 7


def test_a_signal_that_somebody_sends_to_the_command_is_passed_on_once() -> None:
    command = commands.start("exec", "--", "python3", "-c", COUNTING)
    try:
        assert commands.first_line(command).startswith("ready")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            command.send_signal(number)
            assert commands.first_line(command) == f"got {number.name}"
        assert command.communicate("hello\nend\n")[0] == "read hello\n"
        assert command.returncode == 7
        assert not runtime.base_path().exists()
    finally:
        commands.finish([command])


def test_ctrl_c_while_the_lab_starts_ends_the_command(lab_file: Path) -> None:
    # The program is a script that cannot have run if nothing was printed.
    command = commands.start("up", lab_file)
    try:
        while not runtime.base_path().exists():
            assert command.poll() is None
        command.send_signal(signal.SIGINT)
        assert command.wait() in (0, 130)
        assert not runtime.base_path().exists()
    finally:
        commands.finish([command])


def test_a_shell_is_a_shell_of_that_host(running_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("PS1", "$ ")
    terminal = Terminal("shell", "--lab", running_lab, "--host", "laptop")
    try:
        terminal.type("echo host=$SWRAP_HOST\n")
        terminal.expect("host=laptop")
        terminal.type("exit 5\n")
        assert terminal.wait() == 5
    finally:
        terminal.close()
