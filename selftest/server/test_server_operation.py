"""A running server says what it does, and takes new settings without anybody losing a file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support.smb_peer import Closed, OverTcp, Peer
from selftest.support.smb_server import Running
from server import accounts, control
from server.config import UserConfig
from server.wire.create import OplockLevel
from server.wire.ntlm import nt_hash
from server.wire.status import NTSTATUS


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "server.toml"
    path.write_text('users = "users"\n')
    accounts.write(tmp_path / "users", [UserConfig("carol", nt_hash("pass").hex())])
    return path


@pytest.fixture
def running(tmp_path: Path, settings: Path) -> Iterator[Running]:
    with Running(tmp_path / "share", "--config", str(settings)) as server:
        yield server


@pytest.fixture
def dial(running: Running) -> Iterator[Callable[[int], Peer]]:
    """Connect and negotiate, as the client of that number."""
    exchanges: list[OverTcp] = []

    def one(number: int) -> Peer:
        exchanges.append(OverTcp("127.0.0.1", running.port))
        peer = Peer(exchanges[-1], uuid.UUID(int=number))
        peer.negotiate()
        return peer

    yield one
    for exchange in exchanges:
        exchange.close()


def status(running: Running, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "server", "status", "--port", str(running.port), *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def state(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(status(running, "--json"))
    return found


def test_status_shows_sessions_channels_opens_and_leases_with_their_processes(
    running: Running, dial: Callable[[int], Peer]
) -> None:
    first = dial(1)
    session = first.log_on()
    first.tree_connect(session)
    first.open(session, "dir-less.txt", oplock_level=OplockLevel.BATCH)
    second = dial(1)
    assert second.bind(session).status is NTSTATUS.SUCCESS
    other = dial(2)
    other.log_on("bob")

    found = state(running)
    workers = {one["pid"] for one in found["processes"] if one["role"] == "worker"}
    sessions = {one["user"]: one for one in found["sessions"]}
    assert set(sessions) == {"alice", "bob"}
    alice = sessions["alice"]
    assert alice["session"] == f"0x{session.id:x}"
    assert len(alice["channels"]) == 2
    assert alice["opens"] == 1
    assert sessions["bob"]["pid"] != alice["pid"], "clients have processes of their own"
    assert {alice["pid"], sessions["bob"]["pid"]} <= workers
    [opened] = found["opens"]
    assert (opened["pid"], opened["user"], opened["path"]) == (alice["pid"], "alice", "dir-less.txt")
    [lease] = found["leases"]
    assert (lease["pid"], lease["kind"], lease["state"]) == (alice["pid"], "oplock", "RHW")
    assert found["silent"] == []

    shown = status(running)
    for word in (f"0x{session.id:x}", "alice", "bob", "dir-less.txt", "oplock", f"port {running.port}"):
        assert word in shown


def test_status_of_none_says_so(running: Running) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server", "status", "--port", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no server runs" in done.stderr


def test_a_stranger_on_the_control_socket_gets_no_further_than_an_answer(running: Running) -> None:
    [path] = [
        path
        for path, state in control.servers().items()
        if any(port == running.port for _, port in state["listening"])
    ]
    assert path.parent.stat().st_mode & 0o077 == 0, "nobody else can enter"


def test_sighup_brings_new_users_and_shares_and_keeps_sessions(
    running: Running, settings: Path, tmp_path: Path, dial: Callable[[int], Peer]
) -> None:
    peer = dial(1)
    session = peer.log_on()
    peer.tree_connect(session)
    file_id = peer.create(session, "open")
    (tmp_path / "more").mkdir()
    settings.write_text('users = "users"\n[shares.more]\npath = "more"\n')
    accounts.write(tmp_path / "users", [UserConfig("alice2", nt_hash("new").hex())])
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("settings read again", needs_a_restart="nothing")
    assert peer.write(session, file_id, b"goes on").status is NTSTATUS.SUCCESS
    assert peer.tree_connect(session, "more").status is NTSTATUS.SUCCESS, "in the worker that there was"
    anew = dial(3)
    assert anew.authenticate("bob", "hunter2")[1].status is NTSTATUS.SUCCESS, "of a flag"
    late = dial(4)
    assert late.authenticate("carol", "pass")[1].status is NTSTATUS.LOGON_FAILURE, "no longer in the file"
    assert late.authenticate("alice2", "new")[1].status is NTSTATUS.SUCCESS


def test_settings_that_make_no_sense_change_nothing(
    running: Running, settings: Path, dial: Callable[[int], Peer]
) -> None:
    settings.write_text("port = 0\n")
    running.process.send_signal(signal.SIGHUP)
    told = running.wait_for("the settings cannot be read again: all stays as it was")
    assert "server.toml:1: port" in told["error"]
    assert dial(1).log_on()


def test_what_needs_a_restart_is_named(running: Running, settings: Path) -> None:
    settings.write_text('users = "users"\nworkers = 5\nname = "OTHER"\n')
    running.process.send_signal(signal.SIGHUP)
    assert running.wait_for("settings read again")["needs_a_restart"] == "workers,server_name"


def test_more_connections_than_there_may_be_are_closed_until_others_have_gone(
    tmp_path: Path, settings: Path
) -> None:
    settings.write_text('users = "users"\n[limits]\nmax_connections = 2\n')
    with Running(tmp_path / "share", "--config", str(settings)) as server:
        first, second = (OverTcp("127.0.0.1", server.port) for _ in range(2))
        for number, exchange in enumerate((first, second)):
            Peer(exchange, uuid.UUID(int=number + 1)).negotiate()
        third = OverTcp("127.0.0.1", server.port)
        with pytest.raises((Closed, OSError)):
            Peer(third, uuid.UUID(int=3)).negotiate()
        first.close()
        server.wait_for("connection-closed")
        fourth = OverTcp("127.0.0.1", server.port)
        assert Peer(fourth, uuid.UUID(int=4)).negotiate().status is NTSTATUS.SUCCESS
        for exchange in (second, third, fourth):
            exchange.close()
