"""A connected socket changes hands, and whoever holds it finds all there is to know of it: names, options, data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.support.network import Network

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

ADDRESSES = [("10.0.1.1", "AF_INET"), ("fd00:1::1", "AF_INET6"), ("127.0.0.1", "AF_INET")]


def test_twenty_sockets_in_two_control_headers_on_the_kernels_own_network(
    program: Callable[[str], Path],
) -> None:
    done = subprocess.run([program("handover"), "127.0.0.1"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "handed over\n"), done.stderr


@pytest.mark.parametrize("address", [address for address, _ in ADDRESSES])
def test_twenty_sockets_in_two_control_headers_through_fork_and_exec(
    lab: Network, program: Callable[[str], Path], address: str
) -> None:
    done = lab.run("server", program("handover"), address)
    assert (done.returncode, done.stdout) == (0, "handed over\n"), done.stderr


@pytest.mark.parametrize(("address", "family"), ADDRESSES)
def test_python_passes_a_connection_and_its_acceptor_exits(lab: Network, address: str, family: str) -> None:
    lab.python("server", IN_PYTHON.format(address=address, family=family))


def test_the_test_itself_is_right_about_the_kernel() -> None:
    script = IN_PYTHON.format(address="127.0.0.1", family="AF_INET")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
