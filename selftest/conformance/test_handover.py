"""A connected socket changes hands, and whoever holds it finds all there is to know of it: names, options, data."""

from __future__ import annotations

import pytest

from selftest.conformance.backends import Backend
from selftest.support.programs import Program

IN_PYTHON = """
import os, socket
server = socket.create_server(({address!r}, 0), family=socket.{family})
here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.fork() == 0:  # the acceptor: passes the connection on, and exits
    connection, _ = server.accept()
    socket.send_fds(here, [b"negotiate"], [connection.fileno()])
    os._exit(0)
if os.fork() == 0:  # the owner: knows the socket by its fd alone
    server.close()
    message, fds, _, _ = socket.recv_fds(there, 100, 4)
    connection = socket.socket(fileno=fds[0])
    assert connection.family == socket.{family} and connection.type == socket.SOCK_STREAM
    connection.sendall(repr((connection.getsockname()[:2], connection.getpeername()[:2])).encode())
    assert connection.recv(100) == b"thanks"
    os._exit(0)
client = socket.create_connection(server.getsockname()[:2])
assert os.wait()[1] == 0
names = eval(client.recv(200))
assert names == (client.getpeername()[:2], client.getsockname()[:2]), names
client.sendall(b"thanks")
assert os.wait()[1] == 0 and client.recv(1) == b""
"""


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("promise", ["handover"])
def test_twenty_sockets_in_two_control_headers_through_fork_and_exec(
    backend: Backend, program: Program, promise: str, family: str
) -> None:
    done = backend.run("server", program(promise), backend.address(family))
    assert (done.returncode, done.stdout) == (0, "handed over\n"), done.stderr


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("promise", ["a connection is passed, and its acceptor exits"])
def test_python_passes_a_connection(backend: Backend, promise: str, family: str) -> None:
    python_family = "AF_INET6" if family == "ipv6" else "AF_INET"
    backend.python("server", IN_PYTHON.format(address=backend.address(family), family=python_family))
