"""A Python program in a host that does what a test tells it, line by line: two hosts can talk without a script for each."""

from __future__ import annotations

import ast
import socket
import sys
from typing import Any

from selftest.support.network import Network

PROGRAM = """
import errno, fcntl, os, select, struct, sys, termios
from socket import *
talk = os.fdopen(int(sys.argv[1]), "r+b", 0)
names = globals()
while line := talk.readline():
    try:
        try: answer = repr(eval(line, names))
        except SyntaxError: exec(line, names); answer = "None"
    except OSError as e: answer = repr(errno.errorcode.get(e.errno, "timed out"))
    except Exception as e: answer = repr("!" + repr(e))
    talk.write((answer + "\\n").encode())
"""


class Shell:
    """Says lines to a program in `host`, and hears what they come to; the name of an errno where they fail."""

    def __init__(self, lab: Network, host: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = lab.start(
                host,
                [sys.executable, "-c", PROGRAM, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
            )
        ours.settimeout(20)
        self.lab = lab
        self._socket = ours
        self._lines = ours.makefile("r")

    def __call__(self, line: str) -> Any:
        self._socket.sendall(line.encode() + b"\n")
        said = self._lines.readline()
        assert said, self.process.communicate()[1]
        answer = ast.literal_eval(said)
        assert not (isinstance(answer, str) and answer.startswith("!")), f"{line}: {answer}"
        return answer

    def close(self) -> None:
        """End it, as a program that exits."""
        self._lines.close()
        self._socket.close()
        self.process.communicate(timeout=10)

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket.fileno() >= 0:
            self.close()
