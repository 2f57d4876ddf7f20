"""Names stand in /proc/net/unix; who knows one and is not of the lab gets nowhere."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from selftest.support.network import Network


def test_a_stranger_who_knows_the_name_is_not_let_in(lab: Network) -> None:
    """A listener that meets somebody from outside hangs up and waits for the next."""
    server = lab.start(
        "server",
        [
            sys.executable,
            "-uc",
            "import socket as s; l=s.create_server(('10.0.1.1', 99)); print('up'); print(l.accept()[0].recv(9))",
        ],
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    ours = [
        line.split()[-1]
        for line in Path("/proc/net/unix").read_text().splitlines()
        if "0a0001010063/" in line
    ]
    assert len(ours) == 1
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect("\0" + ours[0][1:])
        stranger.settimeout(10)
        assert stranger.recv(1) == b""
    lab.python("laptop", "import socket; socket.create_connection(('10.0.1.1', 99)).sendall(b'friend')")
    assert server.communicate(timeout=10)[0] == "b'friend'\n"
