"""What is around a socket: threads, signals, processes, descriptors, readiness. As on the kernel's own network.

Each promise is kept by a C program (programs/*.c), on loopback first: that shows that the program is right about Linux.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selftest.support.commands import swrap
from selftest.support.network import Network
from swrap.abi.paths import libswrap
from swrap.switch.client import control_call

PROMISES = {
    "threads": ["storm", "each-alone", "blocked-accept", "duplex"],
    "signals": [
        "interrupted",
        "restarted",
        "send-interrupted",
        "in-handler",
        "in-the-middle",
        "receive-patience",
    ],
    "processes": [
        "fork",
        "fork-accepting",
        "vfork",
        "vfork-empty-environment",
        "spawn",
        "spawn-empty-environment",
        "exec-cleared-environment",
        "execle-empty-environment",
        "env-i",
        "close-on-exec",
    ],
    "descriptors": ["copies", "close-range", "numbers", "stdio", "stdio-reset", "stdio-broken"],
    "passing": ["200-at-once", "253-at-once", "listener", "datagrams", "pidfd"],
    "readiness": [
        "connected-level",
        "connected-edge",
        "edge-again",
        "edge-writable",
        "refused-level",
        "refused-edge",
        "reset",
        "ended",
        "accepting",
        "unconnected",
        "oneshot",
    ],
    "edges": [
        "peek",
        "wait-all",
        "half-close",
        "shut-from-elsewhere",
        "killed",
        "orphaned",
        "linger",
        "linger-last-words",
        "linger-send",
        "linger-before",
        "linger-undone",
        "linger-shut",
        "linger-killed",
        "linger-again",
    ],
}
EVERY = [(program, promise) for program, promises in PROMISES.items() for promise in promises]
RISKY = [
    case
    for case in EVERY
    if case[0] in ("threads", "passing", "edges")
    or case[1] in ("in-handler", "in-the-middle", "numbers")
    or (case[0] == "processes" and case[1] not in ("env-i", "close-on-exec"))
]
"""What the shim is asked to do under sanitizers too."""
SILENCE = ["connect-interrupted", "connect-patience"]
CANNOT = 77

Program = Callable[..., Path]


def must_be_kept(done: subprocess.CompletedProcess[str]) -> None:
    """The program kept its promise, or this machine would not let it try."""
    if done.returncode == CANNOT:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stderr


def natively(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program on the kernel's own network."""
    env = {**os.environ, **environment}
    return subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=30, env=env)


@pytest.mark.parametrize(("name", "promise"), EVERY)
def test_on_the_kernels_own_loopback(program: Program, name: str, promise: str) -> None:
    must_be_kept(natively(program(name), "127.0.0.1", promise))


@pytest.mark.parametrize(("name", "promise"), EVERY)
def test_in_a_host(lab: Network, program: Program, name: str, promise: str) -> None:
    must_be_kept(lab.run("server", program(name), "10.0.1.1", promise))


def test_a_peer_that_closed_may_still_be_written_to(switched: Network, program: Program) -> None:
    """Without a switch AF_UNIX says EPOLLHUP here: it knows at once that nobody will ever read."""
    must_be_kept(natively(program("readiness"), "127.0.0.1", "closed"))
    must_be_kept(switched.run("server", program("readiness"), "10.0.1.1", "closed"))


@pytest.mark.parametrize("promise", SILENCE)
def test_silence_on_the_kernels_own_loopback(program: Program, promise: str) -> None:
    must_be_kept(natively(program("signals"), "127.0.0.1", promise))


@pytest.fixture
def blocked(switched: Network) -> Iterator[Network]:
    """A network that drops what is for 10.0.1.2."""
    control_call(switched.directory, "block", address="10.0.1.2")
    yield switched
    control_call(switched.directory, "heal")


@pytest.mark.parametrize("promise", SILENCE)
def test_silence(blocked: Network, program: Program, promise: str) -> None:
    silent = {**blocked.environment("server"), "SILENT": "10.0.1.2:445"}
    with blocked.start("server", [program("signals"), "10.0.1.1", promise], env=silent) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "kept\n"), err


@pytest.fixture(scope="module")
def early(program: Program) -> tuple[Path, Path]:
    """A library whose constructor makes a connection, and the program that is linked with it."""
    library = program("early", "-DLIBRARY", "-fPIC", "-shared", "-Wl,-soname,libearly.so")
    library = library.rename(library.parent / "libearly.so")
    return library, program("early", "-Wl,--no-as-needed", str(library), f"-Wl,-rpath,{library.parent}")


def test_a_constructor_on_the_kernels_own_loopback(early: tuple[Path, Path]) -> None:
    must_be_kept(natively(early[1], "127.0.0.1", "constructor", EARLY_ADDRESS="127.0.0.1"))


@pytest.mark.parametrize("where", ["linked", "preloaded behind", "preloaded before"])
def test_a_constructor_that_runs_before_ours(lab: Network, early: tuple[Path, Path], where: str) -> None:
    library, linked = early
    ours = str(libswrap())
    preload = {
        "linked": ours,
        "preloaded behind": f"{ours}:{library}",
        "preloaded before": f"{library}:{ours}",
    }
    environment = {
        **lab.environment("server"),
        "LD_PRELOAD": preload[where],
        "EARLY_ADDRESS": "10.0.1.1",
    }
    with lab.start("server", [linked, "10.0.1.1", "constructor"], env=environment) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "kept\n"), err


def test_a_setuid_program_is_refused_with_the_reason(program: Program, tmp_path: Path) -> None:
    setuid = Path(shutil.copy(program("edges"), tmp_path / "edges"))
    assert swrap("exec", "--", setuid, "127.0.0.1", "peek").stdout == "kept\n"
    setuid.chmod(0o4755)
    done = swrap("exec", "--", setuid, "127.0.0.1", "peek")
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"{setuid}: setuid" in done.stderr
