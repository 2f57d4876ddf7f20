"""Programs that speak rtnetlink in a host: what they share, and what they say, line by line."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from selftest.support.network import Network
from swrap.switch.client import control_call

PRELUDE = """
import errno, json, os, socket, struct, sys
def route(kind=socket.SOCK_RAW, groups=0):
    s = socket.socket(socket.AF_NETLINK, kind, 0)
    s.bind((0, groups))
    return s
def ask(s, kind, flags, body, seq=7):
    s.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 1, seq, 0) + body)
def attributes(raw):
    found = {}
    while len(raw) >= 4:
        n, kind = struct.unpack_from("=HH", raw)
        found[kind] = raw[4:n]
        raw = raw[(n + 3) & ~3:]
    return found
def messages(raw):
    while raw:
        n, kind, flags, seq, port = struct.unpack_from("=IHHII", raw)
        yield kind, flags, seq, port, raw[16:n]
        raw = raw[(n + 3) & ~3:]
def dump(s, kind, body=bytes(16)):
    ask(s, kind, 0x300, body)
    found = []
    while True:
        for one in messages(s.recv(65536)):
            if one[0] == 3:
                return found
            found.append(one)
def name(body):
    return attributes(body[16:])[3].rstrip(b"\\0").decode()
def said(*values):
    print(json.dumps(values), flush=True)
"""


def pull(lab: Network, interface: str, *, up: bool = False) -> None:
    """Pull a cable, or put it back."""
    control_call(lab.directory, "link", interface=interface, up=up)


def run(lab: Network, program: str) -> list[list[Any]]:
    """What a program on the server said."""
    return [json.loads(line) for line in lab.python("server", PRELUDE + program).splitlines()]


class Program:
    """A program of a host, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said = b""

    def line(self, within: float = 20) -> str | None:
        """What it says next; None if it says nothing for so many seconds."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        while b"\n" not in self._said:
            if not select.select([self.process.stdout], [], [], within)[0]:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            assert got, self.process.stderr.read()
            self._said += got
        line, self._said = self._said.split(b"\n", 1)
        return line.decode()

    def says(self) -> list[Any]:
        """The next line, of a program that speaks JSON."""
        line = self.line()
        assert line is not None, "it says nothing"
        said: list[Any] = json.loads(line)
        return said


@contextlib.contextmanager
def started(lab: Network, host: str, argv: list[str], **options: Any) -> Iterator[Program]:
    """A program that runs until the test is over."""
    with lab.start(host, list(argv), **options) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@contextlib.contextmanager
def speaking(lab: Network, program: str, host: str = "server") -> Iterator[Program]:
    """A Python program with PRELUDE, which says a first line when it is ready."""
    with started(lab, host, [sys.executable, "-c", PRELUDE + program]) as one:
        assert one.says() == ["ready"]
        yield one


@contextlib.contextmanager
def obedient(lab: Network, program: str) -> Iterator[tuple[Program, Callable[[], object]]]:
    """The same, of a program that waits for a word where it says `wait()`."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-c", PRELUDE + f"wait = lambda: os.read({reader}, 1)\n" + program]
    with (
        started(lab, "server", argv, pass_fds=(reader,)) as one,
        os.fdopen(writer, "wb", buffering=0) as word,
    ):
        os.close(reader)
        assert one.says() == ["ready"]
        yield one, lambda: word.write(b"x")
