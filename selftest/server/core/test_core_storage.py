"""Slow storage holds up nobody but who waits for it, and what a dead channel had queued is fenced off."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selftest.support.smb_peer import InProcess, InProcessWire, Peer, config, ready, second_channel
from server.ports.files import FilePath, Handle, Make, Volume
from server.posix.files import PosixFiles, PosixVolume
from server.wire.header import Command, Flags
from server.wire.misc import EMPTY_BODY
from server.wire.readwrite import ReadRequest, WriteRequest
from server.wire.status import NTSTATUS

SLOW = 2.0
ENOUGH = 0.005


@dataclass
class SlowHandle:
    """A handle whose device answers when the `gate` is open, or after two seconds."""

    handle: Handle
    gate: threading.Event

    def __getattr__(self, name: str) -> object:
        return getattr(self.handle, name)

    def read_cached(self, buffer: memoryview, offset: int) -> int | None:
        return None

    def read_into(self, buffer: memoryview, offset: int) -> int:
        self.gate.wait(SLOW)
        return self.handle.read_into(buffer, offset)

    def write(self, data: memoryview, offset: int) -> int:
        self.gate.wait(SLOW)
        return self.handle.write(data, offset)


class SlowVolume(PosixVolume):
    gate: threading.Event

    def open(
        self, path: FilePath, *, write: bool, make: Make, directory: bool = False
    ) -> tuple[Handle, FilePath, bool]:
        handle, spelt, made = super().open(path, write=write, make=make, directory=directory)
        return SlowHandle(handle, self.gate), spelt, made  # type: ignore[return-value]


@dataclass
class SlowFiles(PosixFiles):
    gate: threading.Event = field(default_factory=threading.Event)

    def volume(self, root: Path) -> Volume:
        volume = SlowVolume(root)
        volume.gate = self.gate
        return volume


@pytest.fixture
def slow() -> SlowFiles:
    return SlowFiles()


@pytest.fixture
def server(tmp_path: Path, slow: SlowFiles) -> Iterator[InProcess]:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "film").write_bytes(bytes(100))
    with InProcess(config(tmp_path), files=slow) as running:
        yield running
        slow.gate.set()
    assert not running.failures.lines, "an error of the server's own"


def echo(peer: Peer) -> float:
    """Seconds until it is answered."""
    before = time.perf_counter()
    assert peer.ask(Command.ECHO, EMPTY_BODY).status is NTSTATUS.SUCCESS
    return time.perf_counter() - before


def test_a_read_of_two_seconds_leaves_the_other_channels_alone(server: InProcess) -> None:
    peer, session = ready(server)
    others = [second_channel(server, session)[0] for _ in range(3)]
    file_id = peer.create(session, "film")
    before = time.perf_counter()
    peer.begin(Command.READ, ReadRequest(file_id, 10, 0).encode(), session)
    taken = [echo(other) for other in others * 10]
    assert sorted(taken)[len(taken) // 2] < ENOUGH
    assert time.perf_counter() - before < SLOW, "all while the read was under way"
    assert isinstance(peer.exchange, InProcessWire)
    assert peer.exchange.quiet()
    assert peer.next().status is NTSTATUS.SUCCESS
    assert time.perf_counter() - before >= SLOW * 0.9


def test_a_write_that_was_queued_on_a_dead_channel_neither_happens_later_nor_twice(
    server: InProcess, slow: SlowFiles, tmp_path: Path
) -> None:
    peer, session = ready(server)
    channel, there = second_channel(server, session)
    file_id = peer.create(session, "film")
    large = b"old" + bytes(99_997)  # too much to be written on the loop
    peer.begin(Command.WRITE, WriteRequest(file_id, large, 0).encode(), session, charge=2)
    assert isinstance(peer.exchange, InProcessWire)
    assert peer.exchange.quiet(), "it waits for the device"
    peer.exchange.close("pulled")
    channel.sequence = 1
    replayed = channel.write(there, file_id, b"new" + large[3:], flags=Flags.REPLAY_OPERATION)
    assert replayed.status is NTSTATUS.FILE_NOT_AVAILABLE, "as long as the first may still happen"
    slow.gate.set()
    server.settle()
    replayed = channel.write(there, file_id, b"new" + large[3:], flags=Flags.REPLAY_OPERATION)
    assert replayed.status is NTSTATUS.SUCCESS
    channel.sequence = 0
    assert channel.write(there, file_id, b"old").status is NTSTATUS.FILE_NOT_AVAILABLE, "too late"
    assert (tmp_path / "share" / "film").read_bytes()[:3] == b"new"
