"""What else could stand between two programs: relays that people run, on the kernel's loopback.

Each has buffers of 64 KiB, as our programs write; haproxy splices where it can. They end with the table, or with us.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from selftest.bench.contest import SPEED, Benchmark, Contestant
from swrap.abi import lib

BENCHMARKS = (
    Benchmark("relayed", "bulk, 64 KiB writes", "flows", SPEED, {"socat": 1.5, "haproxy": 1.5}, "1"),
)

HAPROXY = """
global
    tune.bufsize 65536
defaults
    mode tcp
    option splice-auto
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen relay
    bind fd@{front}
    server behind 127.0.0.1:{back}
"""


def _start(command: list[str], **options: Any) -> subprocess.Popen[str]:
    parent = os.getpid()

    def prepare() -> None:
        if lib.sw_die_with_parent(parent):
            os._exit(126)

    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=prepare, **options)


def _socat(program: str, front: socket.socket, back: int, scratch: Path) -> subprocess.Popen[str]:
    """It binds by itself, and says so."""
    listen = f"TCP4-LISTEN:{front.getsockname()[1]},bind=127.0.0.1,reuseaddr,fork"
    front.close()
    relay = _start([program, "-dd", "-b", "65536", listen, f"TCP4:127.0.0.1:{back}"])
    assert relay.stderr is not None
    if "listening on" not in (said := relay.stderr.readline()):
        raise RuntimeError(f"socat: {said}")
    return relay


def _haproxy(program: str, front: socket.socket, back: int, scratch: Path) -> subprocess.Popen[str]:
    """It takes over a socket on which connections may wait for it already."""
    config = scratch / "haproxy.cfg"
    config.write_text(HAPROXY.format(front=front.fileno(), back=back))
    return _start([program, "-db", "-q", "-f", str(config)], pass_fds=(front.fileno(),))


RELAYS = {"socat": _socat, "haproxy": _haproxy}
"""By the name of the program and of its Debian package: how it is started, between a listening socket and a port."""


def relayed(scratch: Path, stack: ExitStack) -> list[Contestant]:
    """The kernel's TCP through each relay that is installed; it runs until `stack` ends."""
    path = f"{os.environ['PATH']}:/usr/sbin"  # an ordinary user's may lack the latter
    found = {name: program for name in RELAYS if (program := shutil.which(name, path=path))}
    return [stack.enter_context(_running(name, program, scratch)) for name, program in found.items()]


@contextmanager
def _running(name: str, program: str, scratch: Path) -> Iterator[Contestant]:
    with _listener() as front:
        with _listener() as free:
            ports = {"BENCH_PORT": str(free.getsockname()[1]), "BENCH_RELAY": str(front.getsockname()[1])}
        relay = RELAYS[name](program, front, int(ports["BENCH_PORT"]), scratch)
    with relay:
        try:
            yield Contestant(name, "127.0.0.1", ports)
        finally:
            relay.kill()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))
