"""While clients write, the server is asked for its state, reads its settings again, and ends as it is told to."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.processes import Watched
from selftest.support.slow_server import SLOW
from selftest.support.smb_lab import Office, office
from selftest.support.smb_records import stale
from selftest.support.smb_server import family

pytestmark = pytest.mark.timeout(120)

BLOCKS = 300
ENOUGH = 5.0
"""Milliseconds in which an echo is answered."""

ECHOES = """
import json, sys, time, uuid
from selftest.support.smb_peer import OverTcp, Peer
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.readwrite import ReadRequest
from server.wire.status import NTSTATUS

guid = uuid.uuid4()
def channel():
    peer = Peer(OverTcp("10.0.1.1", 445), guid)
    peer.negotiate()
    return peer
first = channel()
session = first.log_on()
first.tree_connect(session)
others = [channel() for _ in range(4)]
for other in others:
    assert other.bind(session).status is NTSTATUS.SUCCESS
file = first.create(session, "slow")
taken = []
def echo(peer):
    before = time.perf_counter()
    assert peer.ask(Command.ECHO, EMPTY_BODY, peer.bound).status is NTSTATUS.SUCCESS
    taken.append((time.perf_counter() - before) * 1000)
began = time.perf_counter()
first.begin(Command.READ, ReadRequest(file, 100, 0).encode(), session)
for _ in range(25):
    for other in others:
        echo(other)
before = time.perf_counter() - began
answer = first.next()
while answer.status is NTSTATUS.PENDING:
    answer = first.next()
print(json.dumps([answer.status.label, taken, before, time.perf_counter() - began]))
"""

READS = """
import sys, uuid
from selftest.support.smb_peer import Closed, OverTcp, Peer
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.readwrite import ReadRequest
from server.wire.status import NTSTATUS

peer = Peer(OverTcp("10.0.1.1", 445), uuid.uuid4())
peer.negotiate()
session = peer.log_on()
peer.tree_connect(session)
file = peer.create(session, "gated")
for _ in range(3):
    peer.begin(Command.READ, ReadRequest(file, 100, 0).encode(), session)
peer.begin(Command.ECHO, EMPTY_BODY, session)
while peer.next().header.command is not Command.ECHO:
    continue
print("reading", flush=True)  # the server has all three
answers = []
try:
    while True:
        answers.append(peer.next().status.label)
except Closed:
    print(*answers, "end", flush=True)
"""


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as place:
        yield place


def test_its_state_is_told_and_settings_are_read_again_and_nobody_notices(
    at_work: Office, tmp_path: Path
) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text("")
    (tmp_path / "more").mkdir()
    server = at_work.serve("--config", settings)
    writers = [at_work.write(f"film{number}", BLOCKS) for number in range(2)]
    for step in range(1, 6):
        for writer in writers:
            writer.has(step * 20)
        share = '[shares.more]\npath = "more"\n' if step % 2 else ""
        settings.write_text(f"{share}[limits]\nmax_opens = {100 + step}\n")
        server.process.send_signal(signal.SIGHUP)
        server.says("settings read again", step)
        state = at_work.state()
        assert state["silent"] == []
        assert len(state["sessions"]) == len({one["pid"] for one in state["sessions"]}) == 2
        assert {one["path"] for one in state["opens"]} == {"film0", "film1"}
        owners = {one["pid"] for one in state["sessions"]}
        assert {one["pid"] for one in state["opens"] + state["leases"]} <= owners
    at_work.all_is_there()
    assert server.said.count("session-opened") == 2, "no session was lost on the way"
    assert " error " not in server.said
    assert stale(at_work.runtime()) == []


def test_it_ends_when_it_is_told_to_and_what_was_acknowledged_is_there(at_work: Office) -> None:
    server = at_work.serve()
    writers = [at_work.write(f"film{number}", BLOCKS) for number in range(2)]
    for writer in writers:
        writer.has(50)
    with Watched(family(server.process.pid)) as watched:
        assert server.end() == 0
        assert watched.left_after() == []
    assert server.said.count("session-opened") == server.said.count("session-closed") == 2
    assert list(at_work.place.iterdir()) == []
    at_work.serve()
    at_work.all_is_there()


def test_what_was_begun_is_answered_before_it_ends(at_work: Office) -> None:
    (at_work.share / "gated").write_bytes(bytes(100))
    server = at_work.serve(module="selftest.support.slow_server")
    with (at_work.share.parent / "gate").open("wb") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        reader = at_work.start("laptop", [sys.executable, "-c", READS])
        reader.says("reading")
        server.process.send_signal(signal.SIGTERM)
        server.says("process-ended")  # of a worker that had nothing to do
    assert reader.ended() == 0
    *answers, end = reader.said.split()[1:]
    assert end == "end", "not a reset"
    assert [answer for answer in answers if answer != "STATUS_PENDING"] == ["STATUS_SUCCESS"] * 3
    assert server.ended() == 0
    assert "session-closed" in server.said


def test_a_read_of_two_seconds_leaves_the_other_channels_alone(at_work: Office) -> None:
    (at_work.share / "slow").write_bytes(bytes(100))
    server = at_work.serve(module="selftest.support.slow_server")
    done = at_work.lab.run("laptop", [sys.executable, "-c", ECHOES])
    assert done.returncode == 0, done.stderr
    status, echoes, before, after = json.loads(done.stdout)
    assert (status, len(echoes)) == ("STATUS_SUCCESS", 100)
    assert statistics.median(echoes) < ENOUGH, sorted(echoes)[-5:]
    assert before < SLOW <= after, "all of them while the read was under way"
    assert len(re.findall("channel-bound", server.said)) == 4
