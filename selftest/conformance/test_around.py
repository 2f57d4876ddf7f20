"""What is around a socket: threads, signals, processes, descriptors, readiness. As on the kernel's own network.

Each promise is kept by a C program (programs/*.c), on loopback first: that shows that the program is right about Linux.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from selftest.conformance.backends import Backend
from selftest.support.programs import Program
from swrap.abi.paths import libswrap

PROMISES = {
    "threads": ["storm", "each-alone", "blocked-accept", "duplex", "cancelled", "cancels-itself"],
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
    "doors": ["fortified", "by-number", "many-at-once", "reserved", "mark", "multipath"],
    "names": ["numbers", "numeric-info", "own-name", "hosts"],
    "interfaces": ["by-name", "by-number", "listed"],
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


def early_program(program: Program, *extra: str) -> tuple[Path, Path]:
    """A library whose constructor makes a connection, and the program that is linked with it."""
    library = program("early", "-DLIBRARY", "-fPIC", "-shared", "-Wl,-soname,libearly.so", *extra)
    library = library.rename(library.parent / "libearly.so")
    where = f"-Wl,-rpath,{library.parent}"
    return library, program("early", "-Wl,--no-as-needed", str(library), where, *extra)


@pytest.fixture(scope="module")
def early(program: Program) -> tuple[Path, Path]:
    """The same, built once."""
    return early_program(program)


CONSTRUCTORS = ["constructor", "constructor preloaded behind", "constructor preloaded before"]


def around(ours: Sequence[str | Path], other: str | Path, promise: str) -> str:
    """LD_PRELOAD with another library `before` or `behind` ours, if the promise says so."""
    preload = [*[other] * ("before" in promise), *ours, *[other] * ("behind" in promise)]
    return ":".join(map(str, preload))


def ours(backend: Backend) -> list[Path]:
    """What makes a program one of the back end's."""
    return [libswrap()] if backend.name != "kernel" else []


@pytest.mark.parametrize("promise", CONSTRUCTORS)
def test_a_constructor_that_runs_before_ours(
    backend: Backend, early: tuple[Path, Path], promise: str
) -> None:
    library, linked = early
    address = backend.address("ipv4")
    environment = {"EARLY_ADDRESS": address, "LD_PRELOAD": around(ours(backend), library, promise)}
    must_be_kept(backend.run("server", linked, address, "constructor", env=environment))


@pytest.fixture(scope="session")
def jemalloc() -> str:
    """An allocator that many servers bring along; it may be asked for memory before any constructor runs."""
    command = ["gcc", "-print-file-name=libjemalloc.so.2"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).is_absolute():
        pytest.skip("libjemalloc2 is missing")
    return found


@pytest.mark.parametrize("how", ["linked", "preloaded before", "preloaded behind"])
@pytest.mark.parametrize("promise", ["threads storm", "processes fork-accepting", "passing 200-at-once"])
def test_with_another_allocator(
    backend: Backend, program: Program, jemalloc: str, how: str, promise: str
) -> None:
    name, one = promise.split()
    linked = ["-Wl,--no-as-needed", jemalloc] * (how == "linked")
    built = program(name, *linked, as_=f"{name}-{how.split()[0]}")
    preload = {"LD_PRELOAD": around(ours(backend), jemalloc, how)}
    must_be_kept(backend.run("server", built, backend.address("ipv4"), one, env=preload))


def test_the_fortified_calls_are_what_is_tried(program: Program) -> None:
    """So that the promise of that name is about them."""
    asked = subprocess.run(["nm", "-D", program("doors")], capture_output=True, text=True, check=True).stdout
    assert all(f"U __{call}_chk" in asked for call in ("read", "recv", "recvfrom"))
