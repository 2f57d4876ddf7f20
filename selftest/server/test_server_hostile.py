"""Somebody who has a password and means harm: whatever they send on a live connection ends in answers or in a disconnect,
and leaves nothing behind. Others who are served by the same process notice nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from selftest.support.hostile import Requests, pdus
from selftest.support.smb_peer import Closed, LoggedOn, OverTcp, Peer
from selftest.support.smb_server import Running, family
from server.wire.create import CreateOptions
from server.wire.header import SIZE, Command, Flags, Header
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate_contexts import Cipher
from server.wire.readwrite import ReadRequest, WriteRequest
from server.wire.status import NTSTATUS

GUID = uuid.UUID(int=0x6E57)
SETTINGS = """
[limits]
durable_time = 1
max_durable_time = 1
max_opens = 200
max_sessions = 50
max_async = 20
break_time = 1
"""
ROUNDS, PDUS = 60, 25
_BIGGEST_FILE = 64 << 20
_NOTICEABLE = 8 << 20
_PROMPT = 3.0
"""Seconds within which a bystander is answered, though the machine may be busy with other things."""


class Bystander:
    """A client of the same process that behaves, and sees whether that is worth anything."""

    def __init__(self, running: Running) -> None:
        self.peer, self.session = _logged_on(running)
        self.pid = int(running.wait_for("connection-ready")["pid"])

    def is_served(self) -> None:
        start = time.monotonic()
        assert self.peer.ask(Command.ECHO, EMPTY_BODY, self.session).status is NTSTATUS.SUCCESS
        assert time.monotonic() - start < _PROMPT

    @property
    def fds(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208  # of another process

    @property
    def memory(self) -> int:
        """Bytes that are this process's alone."""
        return int(psutil.Process(self.pid).memory_full_info().uss)


def _logged_on(running: Running) -> tuple[Peer, LoggedOn]:
    peer = Peer(OverTcp("127.0.0.1", running.port), GUID)
    peer.negotiate(ciphers=(Cipher.AES_128_GCM,))
    session = peer.log_on()
    assert peer.tree_connect(session).status is NTSTATUS.SUCCESS
    return peer, session


def _close(peer: Peer) -> None:
    assert isinstance(peer.exchange, OverTcp)
    peer.exchange.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server with small limits, whose disk takes no large files; its log shows no error of its own at the end."""
    settings = tmp_path / "server.toml"
    settings.write_text(SETTINGS)
    with Running(tmp_path / "share", "--config", str(settings)) as server:
        for pid in family(server.process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_BIGGEST_FILE, _BIGGEST_FILE))
        yield server
        assert server.end() == 0
        assert server.process.stderr is not None
        rest = server.process.stderr.read().decode()
    told = [f"{kind} {fields}" for kind, fields in server.told] + rest.splitlines()
    assert not [line for line in told if "failed" in line or "Traceback" in line]


def _status(port: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "server", "status", "--port", str(port), "--json"],
        capture_output=True,
        timeout=20,
        check=True,
    )
    return json.loads(done.stdout)


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Ask again and again: what is looked at is another process's state, which nothing here is told of."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _assault(running: Running, seed: int) -> None:
    """One connection, one log-on, many PDUs; then leave without a word."""
    dice = random.Random(seed)
    peer, session = _logged_on(running)
    with contextlib.suppress(Closed, OSError):
        directory = peer.create(session, "d", options=int(CreateOptions.DIRECTORY_FILE))
        file = peer.create(session, "f")
        requests = Requests(dice, file, directory)
        for pdu in pdus(dice, peer, session, requests, PDUS):
            peer.exchange.send(pdu)
        last = peer.begin(Command.ECHO, EMPTY_BODY, session)
        while True:
            answer = peer.exchange.receive()
            if answer[:4] == b"\xfdSMB":
                answer = bytes(session.need_envelope().open(answer))
            if Header.decode(answer).message_id == last:
                break
    _close(peer)
    running.wait_for("connection-closed")  # Its log has to be read, or it waits for its reader.


def test_mutations_of_every_request_leave_no_trace(running: Running) -> None:
    bystander = Bystander(running)
    fds = memory = 0
    for seed in range(ROUNDS):
        _assault(running, seed)
        bystander.is_served()
        if seed == ROUNDS // 3:  # By now everything that is made once has been made.
            memory = bystander.memory

    # The bystander's connection alone is left, with its session and tree; durable opens time out.
    def tidy() -> bool:
        now = _status(running.port)
        return len(now["sessions"]) == 1 and not now["opens"]

    assert _within(20, tidy), _status(running.port)
    fds = bystander.fds
    for seed in range(ROUNDS, ROUNDS + 10):
        _assault(running, seed)
    assert _within(20, tidy), _status(running.port)
    assert _within(5, lambda: bystander.fds <= fds), f"{fds} descriptors, then {bystander.fds}"
    assert bystander.memory - memory < _NOTICEABLE
    bystander.is_served()
    _close(bystander.peer)


def test_who_announces_much_and_sends_little_holds_nobody_up(running: Running) -> None:
    """Half of a prefix, a length that is too long, the longest one that is legal: and then silence."""
    bystander = Bystander(running)
    before = bystander.memory
    loris = [_logged_on(running) for _ in range(20)]
    for number, (peer, _) in enumerate(loris):
        assert isinstance(peer.exchange, OverTcp)
        length = (8 << 20) + 200
        peer.exchange.socket.sendall(b"\0" if number % 2 else length.to_bytes(4, "big") + b"\xfeSMB")
        bystander.is_served()
    # 80 MiB are announced. Memory is taken as bytes come, and ahead of them no more than 1 MiB.
    assert bystander.memory - before < (10 << 20) + _NOTICEABLE
    for peer, _ in loris:
        _close(peer)
    _close(bystander.peer)


def test_a_length_that_nobody_may_send_ends_the_connection(running: Running) -> None:
    for trusted, length in ((False, 1 << 20), (True, 0xFFFFFF)):
        peer = Peer(OverTcp("127.0.0.1", running.port), GUID)
        peer.negotiate()
        if trusted:
            peer.log_on()
        assert isinstance(peer.exchange, OverTcp)
        peer.exchange.socket.sendall(length.to_bytes(4, "big") + bytes(100))
        with pytest.raises(Closed):
            peer.exchange.receive()
        _close(peer)


def test_who_asks_for_much_and_takes_nothing_is_read_no_further(running: Running) -> None:
    bystander = Bystander(running)
    peer, session = _logged_on(running)
    file = peer.create(session, "big")
    peer.write(session, file, bytes(1 << 20))
    before = bystander.memory
    assert isinstance(peer.exchange, OverTcp)
    peer.exchange.socket.settimeout(0.5)
    asked = 0
    with contextlib.suppress(TimeoutError, OSError):
        for _ in range(4000):
            body = ReadRequest(file, 65536, 0).encode()
            peer.begin(Command.READ, body, session)
            asked += 1
    bystander.is_served()
    assert bystander.memory - before < 64 << 20, f"{asked} requests of 64 KiB, of which no answer was taken"
    _close(peer)
    bystander.is_served()
    _close(bystander.peer)


def test_half_of_a_log_on_is_not_kept_for_ever(tmp_path: Path) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text("[limits]\nunauthenticated_time = 1\nnegotiate_time = 1\n")
    with Running(tmp_path / "share", "--config", str(settings)) as running:
        silent = OverTcp("127.0.0.1", running.port)
        negotiated = Peer(OverTcp("127.0.0.1", running.port))
        negotiated.negotiate()
        logged_on, session = _logged_on(running)
        for exchange in (silent, negotiated.exchange):
            with pytest.raises(Closed):
                exchange.receive()
        assert logged_on.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS
        silent.close()
        _close(negotiated)
        _close(logged_on)


def test_requests_that_wait_are_limited_and_go_with_their_connection(running: Running) -> None:
    """Locks that nobody releases: the 21st is refused, and a reset takes all of them away."""
    bystander = Bystander(running)
    file = bystander.peer.create(bystander.session, "f")
    element = LockElement(0, 10, LockFlags.EXCLUSIVE)
    taken = bystander.peer.ask(Command.LOCK, LockRequest(file, (element,)).encode(), bystander.session)
    assert taken.status is NTSTATUS.SUCCESS
    peer, session = _logged_on(running)
    theirs = peer.create(session, "f")
    statuses = []
    for _ in range(21):
        peer.begin(Command.LOCK, LockRequest(theirs, (element,)).encode(), session)
        statuses.append(peer.next().status)
    assert statuses == [NTSTATUS.PENDING] * 20 + [NTSTATUS.INSUFFICIENT_RESOURCES]
    _close(peer)
    assert _within(10, lambda: len(_status(running.port)["opens"]) == 1)
    bystander.is_served()
    _close(bystander.peer)


def test_a_header_alone_and_flags_that_contradict_each_other(running: Running) -> None:
    bystander = Bystander(running)
    for flags in (Flags.ASYNC_COMMAND, Flags.RELATED_OPERATIONS, Flags.SERVER_TO_REDIR, 0xFFFF_FFFF):
        for command in Command:
            peer, session = _logged_on(running)
            header = Header(command, flags=flags, message_id=peer.message_id, session_id=session.id).encode()
            with contextlib.suppress(Closed, OSError):
                peer.exchange.send(header)
                peer.exchange.send(header[:SIZE] + EMPTY_BODY)
            _close(peer)
            running.wait_for("connection-closed")
        bystander.is_served()
    _close(bystander.peer)


@pytest.mark.parametrize("way", ["reset", "half-closed", "closed"])
def test_who_leaves_in_the_middle_of_a_message_leaves_nothing(running: Running, way: str) -> None:
    bystander = Bystander(running)
    fds = bystander.fds
    for cut in (3, 4, 40, SIZE + 10, 70_000):
        peer, session = _logged_on(running)
        file = peer.create(session, "f")
        body = WriteRequest(file, bytes(100_000), 0).encode()
        pdu = peer.request_bytes(Command.WRITE, body, session, signed=True, flags=0, charge=2)
        assert isinstance(peer.exchange, OverTcp)
        sock = peer.exchange.socket
        sock.sendall((len(pdu).to_bytes(4, "big") + pdu)[:cut])
        if way == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "half-closed":
            sock.shutdown(socket.SHUT_WR)
            with pytest.raises(Closed):
                peer.exchange.receive()
        _close(peer)
        running.wait_for("connection-closed")
    assert _within(10, lambda: len(_status(running.port)["sessions"]) == 1)
    assert bystander.fds == fds
    assert (running.share / "f").read_bytes() == b"", "no part of a message is done"
    bystander.is_served()
    _close(bystander.peer)
