"""Whichever part of a lab is killed, at once and without a word, nothing of the lab is left: no process, no directory, no name.

The lab is as unkind as they come: programs that the owner started and programs that joined, a connection between two of them,
a daemon that detached itself, one that ignores all that can be ignored.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from selftest.support import commands
from selftest.support.processes import Watched
from swrap.lab import members, registry, runtime
from swrap.lab.record import Record

SERVER = """
import os, signal, socket, sys
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
listener = socket.create_server(("", 80))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.pause()  # a daemon: detached, deaf, with the listening socket open
    os._exit(0)
os.wait()
print("listening", flush=True)
connection, _ = listener.accept()
print("accepted", flush=True)
connection.recv(1)
signal.pause()
"""
CLIENT = """
import socket, sys
connection = socket.create_connection(("10.0.1.1", 80))
print("connected", flush=True)
sys.stdin.read()
"""


class Running:
    """The lab, with the pids of all its parts."""

    def __init__(self, directory: Path, server: subprocess.Popen[str], client: subprocess.Popen[str]) -> None:
        self.directory = directory
        self.record = Record.read(directory)
        self.programs = [found.pid for found in members.programs(directory)]
        self.server = server
        self.client = client
        assert self.record.keeper is not None
        assert self.record.switch is not None
        self.parts = {
            "owner": self.record.owner.pid,
            "keeper": self.record.keeper.pid,
            "switch": self.record.switch.pid,
        }


@pytest.fixture
def lab(lab_file: Path) -> Iterator[Running]:
    """`swrap exec` that owns the lab for a server, and another one that joined it."""
    with ExitStack() as stack:
        server = commands.start("exec", "--lab", lab_file, "--host", "server", "--", "python3", "-c", SERVER)
        stack.callback(commands.finish, [server])
        assert commands.first_line(server) == "listening"
        client = commands.start("exec", "--lab", lab_file, "--host", "laptop", "--", "python3", "-c", CLIENT)
        stack.callback(commands.finish, [client])
        assert commands.first_line(client) == "connected"
        assert commands.first_line(server) == "accepted"
        running = Running(commands.directory_of(lab_file), server, client)
        assert len(running.programs) == 3, "server, its daemon, client"
        assert client.pid in running.programs, "a program that joins takes the command's place"
        yield running
        assert_nothing_left(running)


def assert_nothing_left(lab: Running) -> None:
    assert not lab.directory.exists()
    assert list(members.programs(lab.directory)) == []
    assert members.named(lab.record.lab) == set()
    assert registry.running() == []
    assert not runtime.base_path().exists()


@pytest.mark.parametrize("part", ["owner", "keeper", "switch"])
def test_when_a_part_of_the_lab_is_killed_everything_ends(lab: Running, part: str) -> None:
    with Watched([*lab.parts.values(), *lab.programs]) as everything:
        os.kill(lab.parts[part], signal.SIGKILL)
        assert everything.left_after() == []
    if part != "owner":
        # The owner says why, and that it was not the program's doing.
        assert lab.server.wait() == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_ignores_signals_keeps_its_lab_until_down_ends_both(
    lab: Running, number: signal.Signals
) -> None:
    # This program ignores all three: so it goes on, and its lab with it. `down` does not ask it.
    os.kill(lab.parts["owner"], number)
    with Watched([*lab.parts.values(), *lab.programs]) as everything:
        assert everything.left_after(0.3) == sorted([*lab.parts.values(), *lab.programs])
        assert commands.swrap("down", "--lab", lab.directory).returncode == 0
        assert everything.left_after() == []


def test_when_a_program_is_killed_its_peer_sees_it_and_the_lab_lives_until_the_owners_program_ends(
    lab: Running,
) -> None:
    with Watched([*lab.parts.values(), *lab.programs]) as everything:
        lab.client.kill()
        lab.client.wait()
        assert Record.read(lab.directory).owner.alive
        program = next(pid for pid in lab.programs if _parent(pid) == lab.parts["owner"])
        os.kill(program, signal.SIGKILL)
        assert everything.left_after() == []
    assert lab.server.wait() == 128 + signal.SIGKILL


def test_when_owner_and_keeper_are_killed_together_the_next_lab_clears_up(
    lab: Running, tmp_path: Path
) -> None:
    with Watched([*lab.parts.values(), *lab.programs]) as everything:
        # The keeper first is stopped, so that it cannot act between the two.
        os.kill(lab.parts["keeper"], signal.SIGSTOP)
        os.kill(lab.parts["owner"], signal.SIGKILL)
        os.kill(lab.parts["keeper"], signal.SIGKILL)
        done = commands.swrap("exec", "--lab", lab.record.source, "--host", "server", "--", "true")
        assert (done.returncode, done.stderr) == (0, "")
        assert everything.left_after() == []


def _parent(pid: int) -> int:
    from swrap.lab import proc

    found = proc.stat(pid)
    return found.parent if found else 0
