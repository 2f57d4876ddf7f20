"""A scenario can drive the server: it starts it as told, looks into its shares, and it ends with the runner."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support.processes import Watched
from selftest.support.smb_peer import OverTcp, Peer
from selftest.support.smb_server import family, free_port
from server.actor.schema_server import SERVER


class Runner:
    """The other end of the actor protocol."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        self.process = subprocess.Popen(
            [sys.executable, *SERVER["command"]],
            env={**os.environ, "SWRAP_ACTOR_FD": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.socket = ours
        self.lines = ours.makefile("rwb")
        self.events: list[dict[str, Any]] = []
        self.number = 0
        assert json.loads(self.lines.readline())["hello"]["actor"] == "smb-server"

    def do(self, verb: str, **args: Any) -> dict[str, Any]:
        """The answer; events that come before it are kept."""
        self.lines.write(json.dumps({"id": self.number, "verb": verb, "args": args}).encode() + b"\n")
        self.lines.flush()
        self.number += 1
        while "event" in (message := json.loads(self.lines.readline())):
            self.events.append(message["event"])
        return dict(message)

    def wait_for(self, kind: str) -> dict[str, Any]:
        while not (found := [event for event in self.events if event["kind"] == kind]):
            self.events.append(json.loads(self.lines.readline())["event"])
        self.events.remove(found[0])
        return found[0]

    def end(self) -> int:
        self.lines.close()
        self.socket.close()
        return self.process.wait(20)


@pytest.fixture
def runner() -> Iterator[Runner]:
    started = Runner()
    yield started
    if started.process.poll() is None:
        started.end()


def start(runner: Runner) -> int:
    port = free_port()
    answer = runner.do(
        "start", port=port, addresses=["127.0.0.1"], shares={"data": {}}, users={"alice": "secret"}
    )
    assert "result" in answer, answer
    return port


def test_files_are_made_and_hashed(runner: Runner) -> None:
    start(runner)
    made = runner.do("make", share="data", path="dir/film.bin", size="3MiB", seed=4)["result"]
    found = runner.do("sha256", share="data", path="dir\\film.bin")["result"]
    assert found == {"sha256": made["sha256"], "bytes": 3 << 20}
    assert runner.do("files", share="data")["result"]["files"] == {
        "dir/film.bin": {"size": 3 << 20, "sha256": made["sha256"]}
    }


def test_what_cannot_be_done_is_said(runner: Runner) -> None:
    start(runner)
    assert "no share 'dota'" in runner.do("files", share="dota")["error"]["message"]
    outside = runner.do("sha256", share="data", path="../../etc/passwd")
    assert "leads out of the share" in outside["error"]["message"]
    assert "error" in runner.do("sha256", share="data", path="missing")


def test_a_client_is_served_and_every_event_is_in_the_schema(runner: Runner) -> None:
    port = start(runner)
    peer = Peer(OverTcp("127.0.0.1", port), uuid.uuid4())
    peer.negotiate()
    session = peer.log_on()
    peer.tree_connect(session)
    peer.write(session, peer.create(session, "seen"), b"by the runner")
    ready, opened = runner.wait_for("connection-ready"), runner.wait_for("session-opened")
    assert opened["session_id"] == f"0x{session.id:x}"
    assert (
        opened["pid"]
        == ready["pid"]
        in [process["pid"] for process in runner.do("processes")["result"]["processes"]]
    )
    stored = runner.do("sha256", share="data", path="seen")["result"]
    assert stored["sha256"] == hashlib.sha256(b"by the runner").hexdigest()
    assert isinstance(peer.exchange, OverTcp)
    peer.exchange.close()
    runner.wait_for("connection-closed")
    for event in [*runner.events, ready, opened]:
        known = SERVER["events"][event["kind"]]["fields"]
        assert event.keys() - {"kind"} == known.keys(), event["kind"]


def test_it_ends_with_the_runner_and_leaves_nothing(runner: Runner) -> None:
    start(runner)
    runner.wait_for("process-started")
    watched = Watched(family(runner.process.pid))
    assert runner.end() == 0
    assert watched.left_after() == []
    watched.close()


def test_by_hand_it_says_what_it_is() -> None:
    done = subprocess.run(
        [sys.executable, *SERVER["command"]],
        env={key: value for key, value in os.environ.items() if key != "SWRAP_ACTOR_FD"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "started by a scenario" in done.stderr


def test_a_port_that_is_taken_is_an_answer(runner: Runner, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = runner.do(
            "start",
            port=taken.getsockname()[1],
            addresses=["127.0.0.1"],
            shares={"data": {"path": str(tmp_path)}},
        )
    assert "cannot listen" in answer["error"]["message"]
