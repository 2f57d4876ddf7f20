"""Each process of the server is killed in turn, under load: no acknowledged write is missing, and no record is stale.

What is killed when follows from what the clients have been told, never from a clock.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.processes import Watched
from selftest.support.service import Service
from selftest.support.smb_lab import Office, office
from selftest.support.smb_records import counts, stale
from selftest.support.smb_server import comm, family

pytestmark = pytest.mark.timeout(180)

BLOCKS = 300


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as place:
        yield place


def workers(server: Service) -> dict[str, int]:
    """The process of each user's latest session, and of each that has none yet, by its number."""
    started = [int(pid) for pid in re.findall(r"process-started pid=(\d+) role=worker", server.said)]
    ended = {int(pid) for pid in re.findall(r"process-ended pid=(\d+)", server.said)}
    return {str(pid): pid for pid in started if pid not in ended}


def kill(pid: int) -> None:
    with Watched([pid]) as watched:
        os.kill(pid, signal.SIGKILL)
        assert watched.left_after() == []


def settled(at_work: Office, server: Service, killed: int) -> None:
    """All clients have gone, and the acceptor has heard of every worker that was killed."""
    server.says("process-ended .*status=-9", killed)
    assert at_work.state()["sessions"] == []
    assert stale(at_work.runtime()) == []
    assert set(counts(at_work.runtime()).values()) == {0}, counts(at_work.runtime())


def test_every_worker_in_turn(at_work: Office) -> None:
    server = at_work.serve()
    writers = [at_work.write(f"film{number}", BLOCKS) for number in range(2)]
    killed: list[int] = []
    for step in range(1, 5):
        for writer in writers:
            writer.has(step * 50)
        # The oldest that lives: idle ones and those at work, and later those that were made in their place.
        victim = min(workers(server).values())
        kill(victim)
        killed.append(victim)
        server.says(f"process-ended pid={victim} ")
        assert stale(at_work.runtime()) == []
    at_work.all_is_there()
    settled(at_work, server, len(killed))
    opened = {int(pid) for pid in re.findall(r"session-opened .*pid=(\d+)", server.said)}
    assert opened & set(killed), "some of them had sessions"


def test_a_worker_whose_client_holds_all_kinds_of_things(at_work: Office) -> None:
    server = at_work.serve()
    holder = at_work.start("laptop", [sys.executable, "-m", "selftest.support.smb_holder", "10.0.1.1"])
    holder.says("held")
    writer = at_work.write("film", BLOCKS)
    writer.has(50)
    before = counts(at_work.runtime())
    assert before["sessions"] == 3
    assert min(before[table] for table in ("files", "locks", "watches")) > 0, before
    [pid] = re.findall(r"session-opened .*user=bob .*pid=(\d+)", server.said)
    kill(int(pid))
    assert holder.ended() == 0
    server.says(f"process-ended pid={pid} ")
    assert stale(at_work.runtime()) == []
    at_work.all_is_there()
    settled(at_work, server, 1)


@pytest.mark.parametrize("victim", ["acceptor", "zygote", "everything"])
def test_the_whole_server_and_another_one_takes_its_place(at_work: Office, victim: str) -> None:
    server = at_work.serve()
    writers = [at_work.write(f"film{number}", BLOCKS) for number in range(2)]
    for writer in writers:
        writer.has(50)
    acceptor = server.process.pid
    everything = family(acceptor)
    zygote = next(pid for pid in everything if comm(pid) == "smb-zygote")
    with Watched(everything) as watched:
        for pid in {"acceptor": [acceptor], "zygote": [zygote], "everything": everything}[victim]:
            os.kill(pid, signal.SIGKILL)
        assert watched.left_after() == [], "no process goes on alone"
    status = server.ended()
    assert status == (1 if victim == "zygote" else -signal.SIGKILL)
    for writer in writers:
        assert writer.service.process.poll() is None, "it goes on trying"
    again = at_work.serve()
    assert len(list(at_work.place.glob("smb-server-*"))) == 1, "nothing is left of the first"
    at_work.all_is_there()
    settled(at_work, again, 0)


def test_who_asks_for_the_status_may_be_killed_too(at_work: Office) -> None:
    server = at_work.serve()
    writer = at_work.write("film", BLOCKS)
    writer.has(50)
    command = [sys.executable, "-m", "server", "status", "--json"]
    for _ in range(3):
        env = {**os.environ, "TMPDIR": str(at_work.place)}
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as asking:
            asking.kill()
    assert [one["user"] for one in at_work.state()["sessions"]] == ["alice"]
    at_work.all_is_there()
    settled(at_work, server, 0)
