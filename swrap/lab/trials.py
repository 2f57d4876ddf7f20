"""What the kernel and the machine must be able to do, tried for real.

Owns one small experiment for each thing that the design rests on. Each says what it found, and what to do
where that is not enough. Nothing is left behind; the experiment with the guard runs in a child. Called by
`swrap doctor`.
"""

from __future__ import annotations

import errno
import os
import resource
import secrets
import select
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from swrap.abi.paths import libswrap
from swrap.lab import runtime
from swrap.lab.environment import PRELOAD, PYTHON, of_helper
from swrap.lab.errors import LabError
from swrap.switch.plane import flows_of, tables_for

_SO_MAX_PACING_RATE = 47
_TAG = 0x5357_0001_8000_0001
_LEAST_SNDBUF = 208 * 1024  # bytes: what the opening message of a flow is measured against
_LEAST_FLOWS = 100
_MANY_FLOWS = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """``fine``: nothing in the way; ``found`` says what was seen, ``remedy`` what to do where it is not
    fine.
    """

    name: str
    fine: bool
    found: str
    remedy: str = ""


def all_findings() -> list[Finding]:
    """Every trial, the most basic first. A trial that breaks is a finding too."""
    return [_guarded(trial) for trial in _TRIALS]


def _guarded(trial: Callable[[], Finding]) -> Finding:
    try:
        return trial()
    except (OSError, LabError, subprocess.SubprocessError) as error:
        return Finding((trial.__doc__ or trial.__name__).rstrip("."), False, str(error))


def _tag() -> Finding:
    """A 64-bit SO_MAX_PACING_RATE on AF_UNIX."""
    name = "64-bit SO_MAX_PACING_RATE on AF_UNIX"
    with socket.socket(socket.AF_UNIX) as one:
        one.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, struct.pack("=Q", _TAG))
        raw = one.getsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, 8)
    kept = len(raw) == 8 and struct.unpack("=Q", raw)[0] == _TAG
    found = "kept as it was set" if kept else f"set {_TAG:#x}, read back {raw.hex() or 'nothing'}"
    return Finding(name, kept, found, "a Linux kernel of 4.20 or later is needed")


def _names() -> Finding:
    """Abstract AF_UNIX names that accept(2) shows."""
    name = "abstract AF_UNIX names"
    own, peer = (f"\0sw-doctor-{secrets.token_hex(8)}" for _ in range(2))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(own)
        listener.listen()
        client.bind(peer)
        client.connect(own)
        accepted, shown = listener.accept()
        with accepted:
            right = shown == peer.encode() and accepted.getsockname() == own.encode()
    return Finding(name, right, "bound, connected and shown" if right else f"accept(2) shows {shown!r}")


def _syn() -> Finding:
    """A connect that is under way must not poll writable."""
    name = "unread bytes keep an AF_UNIX stream from polling writable"
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        size = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        poll = select.poll()
        poll.register(one, select.POLLOUT)
        one.send(bytes(size // 4 + 1024))
        waits = not poll.poll(0)
        while other in select.select([other], [], [], 0)[0]:
            other.recv(1 << 16)
        goes_on = bool(poll.poll(0))
    found = "yes, until they are read" if waits and goes_on else f"waits: {waits}, goes on: {goes_on}"
    return Finding(name, waits and goes_on, found)


def _buffers() -> Finding:
    """The default size of a socket's send buffer."""
    with socket.socket(socket.AF_UNIX) as one:
        size = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return Finding(
        "default send buffer",
        size >= _LEAST_SNDBUF,
        f"{size} bytes",
        f"sysctl net.core.wmem_default={_LEAST_SNDBUF} (or more) makes it large enough",
    )


def _guard() -> Finding:
    """The guard: a seccomp filter that any user may install."""
    name = "seccomp filter (the guard)"
    code = (
        "import socket, sys; from swrap.lab import guard; guard.install()\n"
        "socket.socket(socket.AF_UNIX).close()\n"
        "try: socket.socket(socket.AF_INET)\n"
        "except OSError as error: sys.exit(error.errno)\n"
    )
    done = subprocess.run(
        [*PYTHON, "-c", code], env=of_helper(), capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode == errno.EAFNOSUPPORT:
        return Finding(name, True, "installed: AF_UNIX sockets are made, AF_INET ones are not")
    if done.returncode == 0:
        return Finding(name, False, "installed, but an AF_INET socket was made all the same")
    words = done.stderr.strip().splitlines()
    return Finding(
        name,
        False,
        words[-1] if words else f"status {done.returncode}",
        "a kernel with CONFIG_SECCOMP_FILTER",
    )


def _shim() -> Finding:
    """libswrap.so can be preloaded."""
    name = "libswrap.so can be preloaded"
    try:
        path = libswrap()
    except FileNotFoundError as error:
        return Finding(name, False, str(error), "pip install . builds it")
    # The loader complains on stderr, and goes on without it. What is mapped is the proof.
    code = "import sys; sys.exit('libswrap.so' not in open('/proc/self/maps').read())"
    done = subprocess.run(
        [*PYTHON, "-c", code],
        env={**of_helper(), PRELOAD: str(path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode == 0:
        return Finding(name, True, str(path))
    words = done.stderr.strip().splitlines()
    return Finding(
        name, False, words[0] if words else f"{path} was not loaded", "is it on a file system without exec?"
    )


def _descriptors() -> Finding:
    """How many flows a switch can hold: two descriptors each, in as many tables of them as it takes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return Finding("file descriptors", True, "no limit")
    flows = flows_of(hard, 0)
    return Finding(
        "file descriptors",
        flows >= _LEAST_FLOWS,
        f"at most {hard} a process: {flows} flows in a switch's first table of them; "
        f"{_MANY_FLOWS:,} flows take {tables_for(_MANY_FLOWS, hard)}",
        "ulimit -Hn, or LimitNOFILE=, raises it",
    )


def _pidfd() -> Finding:
    """Processes held by descriptor."""
    os.close(os.pidfd_open(os.getpid()))
    return Finding("pidfd_open", True, "there")


def _directory() -> Finding:
    """The directory that labs live in."""
    path = runtime.base_path()
    existed = path.exists()
    try:
        with runtime.base(create=True):
            pass
    finally:
        if not existed and path.is_dir():
            path.rmdir()
    return Finding("directory of labs", True, f"{path}, yours alone")


_TRIALS = (_tag, _names, _syn, _buffers, _guard, _shim, _descriptors, _pidfd, _directory)
