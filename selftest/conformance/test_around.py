"""What is around a socket: threads, signals, processes, descriptors, readiness. As on the kernel's own network.

Each promise is kept by a C program (programs/*.c), on loopback first: that shows that the program is right about Linux.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from selftest.conformance.backends import Backend
from selftest.support.programs import Program
from swrap.abi.paths import libswrap

PROMISES = {
    "threads": ["storm", "each-alone", "blocked-accept", "duplex"],
    "signals": [
        "interrupted",
        "restarted",
        "send-interrupted",
        "in-handler",
        "in-the-middle",
        "receive-patience",
        "patience-elsewhere",
        "connect-restarted",
        "connect-goes-on",
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
    "passing": ["200-at-once", "253-at-once", "listener", "datagrams", "pidfd", "pidfd-datagrams"],
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
        "closed",
        "low-water",
    ],
    "backlog": ["room", "grown", "closed", "negative", "given-up"],
    "edges": [
        "peek",
        "peek-all",
        "oneself",
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
EVERY = [f"{program} {promise}" for program, promises in PROMISES.items() for promise in promises]
SILENCE = ["signals connect-interrupted", "signals connect-patience"]
CANNOT = 77


def must_be_kept(done: subprocess.CompletedProcess[str]) -> None:
    """The program kept its promise, or this machine would not let it try."""
    if done.returncode == CANNOT:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stderr


@pytest.mark.parametrize("promise", EVERY)
def test_a_promise(backend: Backend, program: Program, promise: str) -> None:
    name, one = promise.split()
    must_be_kept(backend.run("server", program(name), backend.address("ipv4"), one))


@pytest.mark.parametrize("promise", SILENCE)
def test_a_promise_about_silence(backend: Backend, program: Program, promise: str) -> None:
    name, one = promise.split()
    with backend.silent() as where:
        must_be_kept(backend.run("server", program(name), backend.address("ipv4"), one, env=where))


@pytest.fixture(scope="module")
def early(program: Program) -> tuple[Path, Path]:
    """A library whose constructor makes a connection, and the program that is linked with it."""
    library = program("early", "-DLIBRARY", "-fPIC", "-shared", "-Wl,-soname,libearly.so")
    library = library.rename(library.parent / "libearly.so")
    return library, program("early", "-Wl,--no-as-needed", str(library), f"-Wl,-rpath,{library.parent}")


@pytest.mark.parametrize(
    "promise", ["constructor", "constructor preloaded behind", "constructor preloaded before"]
)
def test_a_constructor_that_runs_before_ours(
    backend: Backend, early: tuple[Path, Path], promise: str
) -> None:
    library, linked = early
    address = backend.address("ipv4")
    ours = [str(libswrap())] if backend.name != "kernel" else []
    preload = [*[library] * ("before" in promise), *ours, *[library] * ("behind" in promise)]
    environment = {"EARLY_ADDRESS": address, "LD_PRELOAD": ":".join(map(str, preload))}
    must_be_kept(backend.run("server", linked, address, "constructor", env=environment))
